"""A new version takes over while the old one serves: no request fails, no table is rewritten, no instant is lost."""

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests import servers
from tests.chaos import load
from tests.chaos.scene import Scene

PREVIOUS = "670ed94fe10df069ab2d690448dc3309f6b6fb02"
"""The version that runs before this one is put in: move it on with each release."""
TABLES = "SELECT oid::regclass::text, pg_relation_filenode(oid) FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
"""A table that is rewritten gets another file."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals")


# --- one migration at a time ---------------------------------------------------------------------


def later_migrations() -> list[tuple[str, str]]:
    """Those of ours that find tables with rows in them: all but the first of each app."""
    loader = MigrationLoader(None)
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).parent == servers.ROOT}
    return sorted(key for key, each in loader.disk_migrations.items() if key[0] in ours and key[1][:4] != "0001")


# Of style, or what `migrate` sees to: it sets a lock_timeout.
STYLE = "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-text-field,prefer-identity,prefer-robust-stmts"
STYLE += ",require-lock-timeout,require-statement-timeout,require-enum-value-ordering"


def complaints(sql: str) -> str:
    """What squawk says of statements that meet a table in use."""
    squawk = Path(sys.executable).with_name("squawk")
    if not squawk.exists():
        pytest.skip("wants squawk: pip install squawk-cli")
    command = [squawk, "--pg-version=15.0", "--reporter=gcc", f"--exclude={STYLE}"]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.usefixtures("postgresql")
@pytest.mark.django_db
@pytest.mark.parametrize(("app", "name"), later_migrations())
def test_a_migration_neither_rewrites_a_table_nor_locks_it_while_it_is_read_through(app, name):
    sql = io.StringIO()
    call_command("sqlmigrate", app, name, stdout=sql, no_color=True)
    assert complaints(sql.getvalue()) == ""


@pytest.mark.once
@pytest.mark.parametrize(
    ("harm", "statement"),
    [
        ("changing-column-type", "ALTER TABLE invoice_invoice ALTER COLUMN amount TYPE numeric"),
        ("require-concurrent-index-creation", "CREATE INDEX late ON invoice_invoice (start_time)"),
        ("constraint-missing-not-valid", "ALTER TABLE invoice_invoice ADD CONSTRAINT c CHECK (amount > 0)"),
        ("adding-not-nullable-field", "ALTER TABLE invoice_invoice ALTER COLUMN amount SET NOT NULL"),
        ("ban-drop-default", "ALTER TABLE invoice_invoice ALTER COLUMN note DROP DEFAULT"),
        ("ban-drop-column", "ALTER TABLE invoice_invoice DROP COLUMN amount"),
        ("renaming-column", "ALTER TABLE invoice_invoice RENAME COLUMN amount TO price"),
    ],
)
def test_statements_that_would_hold_a_live_table_up_or_break_the_old_version_are_refused(harm, statement):
    assert harm in complaints(f"BEGIN;\n{statement};\nCOMMIT;\n")


@pytest.mark.usefixtures("postgresql")
def test_migrate_gives_way_to_a_long_transaction_and_nobody_queues_behind_it():
    writes = "LOCK TABLE invoice_invoice IN ROW EXCLUSIVE MODE"
    with (
        servers.database() as url,
        closing(servers.connect(url)) as long,
        closing(servers.connect(url)) as other,
    ):
        long.execute(writes)
        command = [*servers.MANAGE, "migrate", "upgrade", "--no-color"]
        with servers.Process(command, DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.upgrade.settings") as migrate:
            migrate.says("giving way, attempt 2 of")
            # Where migrate waited on, a writer would wait behind it, and so for the long transaction.
            other.execute(f"SET lock_timeout = '{servers.PATIENCE}s'")
            other.execute(writes)
            other.rollback()
            assert migrate.popen.poll() is None, migrate.output
            long.rollback()
            assert migrate.popen.wait(servers.PATIENCE) == 0, migrate.output
            assert "0001_wants_the_invoices... OK" in migrate.output


@pytest.mark.django_db
def test_migrate_leaves_the_connection_as_it_was(postgresql):
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


# --- the whole ------------------------------------------------------------------------------------


class Strict(load.Load):
    """Customers who remember each request that failed."""

    def __init__(self, urls: list[str], customers: list[tuple[str, int]]) -> None:
        super().__init__(urls, customers)
        self.failed: list[tuple] = []

    def _ask(self, *request):
        answer = super()._ask(*request)
        if answer is None and self._urls:
            self.failed.append(request[:2])
        return answer


@pytest.fixture
def previous(tmp_path) -> Path:
    """The previous version's tree."""
    try:
        done = subprocess.run(["git", "archive", PREVIOUS], cwd=servers.ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("wants git")
    if done.returncode:
        pytest.skip(f"wants the repository's history: there is no {PREVIOUS}")
    tree = tmp_path / "previous"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(tree, filter="data")
    return tree


@contextmanager
def database_of(tree: Path):
    """The URL of an empty database that another version has migrated."""
    with servers.database() as url:
        with closing(servers.connect(url)) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.commit()
        run(tree, "migrate", "--verbosity", "0", DATABASE_URL=url)
        yield url


def run(tree: Path, *arguments: str, **settings: str) -> str:
    command = [*servers.MANAGE, *arguments]
    done = subprocess.run(
        command, cwd=tree, env=servers.environment(**settings), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("postgresql")
def test_an_upgrade_under_load_fails_no_request_rewrites_no_table_and_bills_each_instant_once(
    previous, tmp_path, monkeypatch
):
    monkeypatch.setattr("tests.chaos.scene.Load", Strict)
    with database_of(previous) as url, Scene(url, web=(), schedulers=0, behind=60, tree=previous) as scene:

        def start(tree: Path, host: str) -> Callable[[], None]:
            """Starts a server and a scheduler, which share a host's lock; returns what ends them."""
            (tmp_path / host).mkdir()
            where, port = {"cwd": tree, "TMPDIR": str(tmp_path / host)}, servers.free_port()
            command, address = servers.COMMANDS["gunicorn"], f"http://127.0.0.1:{port}"
            web = scene.part([word.format(port=port) for word in command], SCHEDULER="off", **where)
            scene.web.append(web)
            servers.until(lambda: is_ready(address), "the server to be ready")
            scene.load._urls.append(address)
            scheduler = scene.part([*servers.MANAGE, "runscheduler"], **where)
            scene.schedulers.append(scheduler)
            scheduler.process.says(" in process ")  # whatever the older version says before it

            def end() -> None:
                scene.load._urls.remove(address)
                more_are_answered()  # and none is on its way there
                for part in (web, scheduler):
                    assert part.process.end() == 0, part.process.output
                scene.fault_ended()

            return end

        def more_are_answered() -> None:
            answered = scene.load.answered
            servers.until(lambda: scene.load.answered > answered + 20, "changes to be answered")

        end_the_old = start(previous, "old")
        scene.begins()
        before = dict(servers.rows(url, TABLES))
        run(servers.ROOT, "migrate", DATABASE_URL=url)
        after = dict(servers.rows(url, TABLES))
        assert {table: after.get(table) for table in before} == before, "a table was dropped or rewritten"
        more_are_answered()
        scene.fault_ended()
        scene.goes_on()
        start(servers.ROOT, "new")
        more_are_answered()
        end_the_old()
        outputs = "".join(part.process.output for part in scene.parts)
        result = scene.row("an upgrade")
    assert scene.load.failed == []
    assert not re.search(r"Traceback|\bERROR\b|\"level\": ?\"error\"", outputs), outputs
    assert (result.count.twice, result.count.missing) == (0, 0)
    assert result.count.billed == result.count.due > 0


def is_ready(address: str) -> bool:
    try:
        return servers.request(address, "GET", "/readyz")[0] == 200
    except OSError:
        return False
