"""A scratch database and a virtual clock, in the place of the real ones for as long as a simulation runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import ConnectionHandler

from customer import clock

PRAGMAS = "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-65536;"
"""Nothing here need outlive the process, so nothing waits for the disk."""


class _Connection(DatabaseWrapper):
    """Logs no statement, whatever DEBUG is: those of billing are megabytes."""

    queries_logged = False


class VirtualClock:
    """A clock that stands at `time` until that is set."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


@contextmanager
def database() -> Iterator[None]:
    """In here this thread's database is an empty SQLite one with all tables, which is gone afterwards."""
    with TemporaryDirectory(prefix="simulate-") as directory, database_at(Path(directory, "scratch.sqlite3")):
        yield


@contextmanager
def database_at(path: Path) -> Iterator[None]:
    """In here this thread's database is a new SQLite one at `path`, empty and with all tables.

    The real one is neither opened nor touched; its open transactions stay as they are.
    """
    real = connections[DEFAULT_DB_ALIAS]
    entry = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"init_command": PRAGMAS},
    }
    complete = ConnectionHandler({DEFAULT_DB_ALIAS: entry}).settings[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = scratch = _Connection(complete, DEFAULT_DB_ALIAS)
    try:
        executor = MigrationExecutor(scratch)  # not the command, whose signals fill caches with this database's ids
        executor.migrate(executor.loader.graph.leaf_nodes())
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = real
        scratch.close()


@contextmanager
def virtual_clock(time: datetime) -> Iterator[VirtualClock]:
    """In here the one clock of this process is a virtual one, which stands at `time` to begin with."""
    virtual, real = VirtualClock(time), clock.now
    clock.now = virtual.now
    try:
        yield virtual
    finally:
        clock.now = real
