"""A rolling deploy: an old version of this repository and this one, side by side on one database."""

import io
import random
import signal
import subprocess
import tarfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import servers
from tests.chaos.place import NotHere, Place
from tests.chaos.scene import Part, Row, Scene

EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
NAMED = "ALTER TABLE invoice_invoice ADD COLUMN version text DEFAULT current_setting('application_name')"
"""Has each invoice say which version made it: the service does not know of the column, so it takes its default."""


def rolling(place: Place) -> Row:
    """`migrate` while the old version runs; then its processes are replaced, one put back, and replaced again."""
    with TemporaryDirectory() as directory, servers.database(place.given) as url:
        old = _version_before_the_last_migration(Path(directory, "old"))
        _execute(url, EMPTY)
        _migrate(old, url)
        _execute(url, NAMED)
        with Scene(url, web=(), schedulers=0, behind=3_000, tree=old) as scene:
            _start(scene, Path(directory), cwd=old, PGAPPNAME="old")
            scene.begins()
            applied = _migrations(url)
            _migrate(servers.ROOT, url)
            assert _migrations(url) > applied, "there was nothing to migrate"
            chance, last = random.Random(0), scene.parts[-1]
            for part, cwd in [(part, servers.ROOT) for part in scene.parts] + [(last, old), (last, servers.ROOT)]:
                _replace(scene, part, cwd=cwd, version="new" if cwd == servers.ROOT else "old")
                _all_versions_bill(scene)
                victim = chance.choice(scene.parts)
                victim.kill()
                scene.fault_ended()
                _begin(victim)
            return scene.row(
                "PostgreSQL: a rolling deploy with a migration, an old and a new version side by side, one process"
                " back and forth, SIGTERM and kill -9"
            )


def _version_before_the_last_migration(directory: Path) -> Path:
    """Its tree, in `directory`. Raises NotHere."""
    try:
        added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", "*/migrations/0*.py").decode().strip()
        files = _git("ls-tree", "-r", "--name-only", f"{added}^").decode()
        if "/migrations/0" not in files:
            raise NotHere("it wants a version that has fewer migrations")
        tree = _git("archive", f"{added}^")
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise NotHere("it wants the repository's history") from error
    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        archive.extractall(directory, filter="data")
    return directory


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=servers.ROOT, capture_output=True, check=True).stdout


def _execute(url: str, statements: str) -> None:
    with closing(servers.connect(url)) as connection:
        connection.execute(statements)
        connection.commit()


def _migrate(tree: Path, url: str) -> None:
    subprocess.run(
        [*servers.MANAGE, "migrate", "--verbosity", "0"],
        cwd=tree,
        env=servers.environment(DATABASE_URL=url),
        check=True,
        timeout=servers.PATIENCE,
    )


def _migrations(url: str) -> int:
    return servers.rows(url, "SELECT COUNT(*) FROM django_migrations")[0][0]


def _start(scene: Scene, directory: Path, **where: Any) -> None:
    """Two servers and two schedulers, each with a host's lock of its own: else one alone would bill."""
    for number in range(4):
        directory.joinpath(f"host {number}").mkdir()
    tmp = [str(directory / f"host {number}") for number in range(4)]
    scene.web.append(scene.server("gunicorn", TMPDIR=tmp[0], **where))
    scene.web.append(scene.server("gunicorn --preload", TMPDIR=tmp[1], **where))
    scene.schedulers += [scene.part([*servers.MANAGE, "runscheduler"], TMPDIR=each, **where) for each in tmp[2:]]


def _replace(scene: Scene, part: Part, *, cwd: Path, version: str) -> None:
    """Ends a process with SIGTERM and starts another version in its place."""
    part.process.popen.send_signal(signal.SIGTERM)
    code = part.process.popen.wait(servers.PATIENCE)
    assert code == 0, f"SIGTERM ended it with {code}: {part.process.output[-2000:]}"
    part.process.__exit__()
    part.cwd, part.settings["PGAPPNAME"] = cwd, version
    scene.fault_ended()
    _begin(part)


def _begin(part: Part) -> None:
    part.start()
    part.process.says("A scheduler runs in process")  # from then on SIGTERM lets it end its pass


def _all_versions_bill(scene: Scene) -> None:
    """Waits until each version that now runs has made invoices."""
    versions = {part.settings["PGAPPNAME"] for part in scene.parts}
    before = _made(scene.url)
    servers.until(lambda: versions <= (_made(scene.url) - before).keys(), f"{versions} to bill")


def _made(url: str) -> Counter[str]:
    """How many invoices each version has made."""
    return Counter(dict(servers.rows(url, "SELECT version, COUNT(*) FROM invoice_invoice GROUP BY version")))
