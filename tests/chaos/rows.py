"""The faults, one function for each: it breaks the service of a scene and gives the row of the table."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil
import psycopg

from tests import servers
from tests.chaos import books, boundaries, engine
from tests.chaos.books import Count
from tests.chaos.broker import RabbitMQ, Redis
from tests.chaos.forks import forks
from tests.chaos.hosts import hosts
from tests.chaos.place import SECONDS, NotHere, Place, send_signal, turns
from tests.chaos.postgres import Postgres
from tests.chaos.rolling import rolling
from tests.chaos.scene import Row, Scene


def kills(place: Place) -> Row:
    """kill -9 of workers, whole servers and schedulers, each started again; it begins in the midst of a backlog."""
    web = ("gunicorn", "gunicorn --preload") if place.postgres else ("gunicorn",)
    schedulers = 2 if place.postgres else 1
    with servers.database(place.given) as url, Scene(url, web=web, schedulers=schedulers, behind=9_000) as scene:
        scene.begins()
        for chance in turns(SECONDS * 1.5):
            victims = [*scene.schedulers, *scene.web, *(child for part in scene.web for child in part.children())]
            victim = chance.choice(victims)
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
            scene.fault_ended()
            if not isinstance(victim, psutil.Process):
                victim.start()
        return scene.row(f"{place.named}: kill -9 of a worker, a server or a scheduler, at random")


def statement_boundaries(place: Place) -> Row:
    """kill -9 before and after every statement and commit of a pass and of events."""
    killed, total = 0, Count(due=0, billed=0, twice=0, missing=0, stray=0)
    with boundaries.bench(place.given) as bench:
        for work in boundaries.WORK:
            sound = []
            for what in ("nothing", work):
                sound.append(bench.aftermath(what).books)
                assert not (faults := bench.check()), faults
            for found in bench.kills(work):
                killed += 1
                total += books.count(bench.url, until=boundaries.NOW.timestamp())
                assert found.books in sound, f"{work}, killed {found.killed}, happened in part"
    return Row(
        fault=f"{place.named}: kill -9 before and after each statement and commit of a pass and of events",
        how_many=killed,
        count=total,
        seconds=None,
    )


def sigterm(place: Place) -> Row:
    """SIGTERM in the midst of a backlog, of servers with and without --preload and of a scheduler in turn."""
    with servers.database(place.given) as url, Scene(url, schedulers=1, behind=9_000) as scene:
        scene.begins()
        slowest = 0.0
        for turn, chance in enumerate(turns(SECONDS * 1.5)):
            part, sent = scene.parts[turn % len(scene.parts)], time.monotonic()
            scene.fault_ended()
            part.process.popen.terminate()
            code = part.process.popen.wait(servers.PATIENCE)
            assert code == 0, f"SIGTERM ended it with {code}: {part.process.output[-2000:]}"
            slowest = max(slowest, time.monotonic() - sent)
            part.process.__exit__()
            part.start()
            time.sleep(chance.uniform(0, 1))
        return scene.row(
            f"{place.named}: SIGTERM in a backlog, gunicorn with and without --preload, runscheduler"
            f" (gone within {slowest:.1f} s)"
        )


def clock(place: Place) -> Row:
    """The clock stepped ahead an hour, back, and back an hour; at the end ahead again."""
    with tempfile.TemporaryDirectory() as directory, servers.database(place.given) as url:
        offset = Path(directory, "offset")
        offset.write_text("0")
        with Scene(url, behind=60, offset_file=str(offset)) as scene:
            scene.begins()
            for seconds in (3600, 0, -3600, 0, 3600):
                draft = offset.with_suffix(".new")
                draft.write_text(str(seconds))
                draft.replace(offset)
                if seconds > 0:
                    scene.fault_ended()
                    scene.goes_on()
                else:
                    scene.faults += 1
                time.sleep(SECONDS / 5)
            return scene.row(f"{place.named}: the clock stepped ahead and back an hour (time: from a step ahead)")


def restart(place: Place) -> Row:
    """PostgreSQL stopped in immediate mode, and started again."""
    with servers.database(place.given) as url, Scene(url) as scene:
        scene.begins()
        for chance in turns(SECONDS):
            place.postgres.stop("immediate")
            time.sleep(chance.uniform(0, 2))
            place.postgres.start()
            scene.fault_ended()
            scene.goes_on()
        scene.saw("Connection refused")
        return scene.row("PostgreSQL: stopped in immediate mode, and started again")


def cut(place: Place) -> Row:
    """All connections cut at once, over and over."""
    with servers.database(place.given) as url, Scene(url) as scene:
        scene.begins()
        sessions = 0
        for _ in turns(SECONDS):
            sessions += place.postgres.cut()
            scene.fault_ended()
        scene.saw("terminating connection due to administrator command")
        return scene.row("PostgreSQL: connections cut (pg_terminate_backend)", how_many=sessions)


def timeout(place: Place) -> Row:
    """A statement timeout too short for much."""
    with servers.database(place.given) as url, Scene(url, behind=3_000) as scene:
        scene.begins()
        for milliseconds in (5, 2, 1):
            place.postgres.run(f"ALTER ROLE billing SET statement_timeout = '{milliseconds}ms'")
            place.postgres.cut()
            time.sleep(SECONDS / 4)
            place.postgres.run("ALTER ROLE billing RESET statement_timeout")
            place.postgres.cut()
            scene.fault_ended()
            scene.goes_on()
        scene.saw("canceling statement due to statement timeout")
        return scene.row("PostgreSQL: statement_timeout of 5, 2 and 1 ms for a while")


def connections(place: Place) -> Row:
    """No connection to be had, for a while."""
    with servers.database(place.given) as url, Scene(url) as scene:
        scene.begins()
        for _ in range(2):
            held = _all_connections(place.postgres, place.given)
            time.sleep(SECONDS / 4)
            for connection in held:
                connection.close()
            scene.fault_ended()
            scene.goes_on()
        scene.saw("remaining connection slots are reserved")
        return scene.row("PostgreSQL: max_connections exhausted for a while")


def stalled(place: Place) -> Row:
    """A slow database: its sessions stopped by SIGSTOP for some seconds, in the midst of what they do."""
    with servers.database(place.given) as url, Scene(url, behind=3_000) as scene:
        scene.begins()
        for chance in turns(SECONDS):
            stopped = place.postgres.sessions()
            for pid in stopped:
                send_signal(pid, signal.SIGSTOP)
            time.sleep(chance.uniform(1, 3))
            for pid in stopped:
                send_signal(pid, signal.SIGCONT)
            scene.fault_ended()
            scene.goes_on()
        return scene.row("PostgreSQL: slow, its sessions stopped for 1 to 3 s")


def disk_full(place: Place) -> Row:
    """The disk of an SQLite database full, and free again, with commits under way."""
    with tempfile.TemporaryDirectory() as directory, _small_disk(Path(directory)) as disk, ExitStack() as stack:
        template = stack.enter_context(servers.database(place.given)).removeprefix("sqlite:///")
        database = disk / "live.db"
        database.write_bytes(Path(template).read_bytes())
        scene = stack.enter_context(Scene(f"sqlite:///{database}", web=("gunicorn",), schedulers=1))
        scene.begins()
        filler = disk / "filler"
        for chance in turns(SECONDS):
            _fill(filler, leave=chance.choice((0, 8, 32, 100)) * 1024)
            time.sleep(chance.uniform(1, 3))
            filler.unlink()
            scene.fault_ended()
            scene.goes_on()
        scene.saw("database or disk is full")
        return scene.row("SQLite: the disk full in mid-commit, and free again")


ROWS: dict[str, tuple[Callable[[Place], Row], tuple[str, ...]]] = {
    "kills": (kills, ("postgresql", "sqlite")),
    "boundaries": (statement_boundaries, ("postgresql", "sqlite")),
    "restart": (restart, ("postgresql",)),
    "cut": (cut, ("postgresql",)),
    "timeout": (timeout, ("postgresql",)),
    "connections": (connections, ("postgresql",)),
    "stalled": (stalled, ("postgresql",)),
    "disk-full": (disk_full, ("sqlite",)),
    "sigterm": (sigterm, ("postgresql", "sqlite")),
    "clock": (clock, ("postgresql", "sqlite")),
    "workers-rabbitmq": (partial(engine.workers, kind=RabbitMQ), ("postgresql",)),
    "workers-redis": (partial(engine.workers, kind=Redis), ("postgresql",)),
    "rabbitmq": (partial(engine.away, kind=RabbitMQ), ("postgresql",)),
    "redis": (partial(engine.away, kind=Redis), ("postgresql",)),
    "hosts": (hosts, ("postgresql",)),
    "rolling": (rolling, ("postgresql",)),
    "forks": (forks, ("postgresql", "sqlite")),
}
"""The rows by name, most important first, with the databases that each is done on."""


def _all_connections(postgres: Postgres, url: str) -> list[psycopg.Connection]:
    """Takes every connection that the service could have, its own among them."""
    held: list[psycopg.Connection] = []
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        mine = {connection.info.backend_pid for connection in held}
        for pid in set(postgres.sessions()) - mine:
            postgres.run("SELECT pg_terminate_backend(%s)", pid)
        try:
            while True:
                held.append(psycopg.connect(url))
        except psycopg.OperationalError:
            continue
    return held


def _fill(filler: Path, *, leave: int) -> None:
    """Fills a disk but for `leave` bytes."""
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            pass
        file.truncate(max(file.tell() - leave, 0))


@contextmanager
def _small_disk(directory: Path) -> Iterator[Path]:
    """A disk of its own for a database. Raises NotHere."""
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(directory)],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise NotHere("it wants to mount a tmpfs") from error
    if done.returncode:
        raise NotHere(f"it wants to mount a tmpfs, as root: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
