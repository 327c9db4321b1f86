"""One `migrate` of a database at a time: the second waits, and finds nothing to do.

The lock goes with the process or its connection, however they end.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper
from filelock import FileLock, Timeout

KEY = 0x62696C6C696E6701
"""The advisory lock's number, in each database its own."""
LOOK = 0.5
"""Seconds between two looks at the lock."""


@contextmanager
def alone(connection: BaseDatabaseWrapper, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the lock; calls `waiting`, once, where somebody else has it."""
    with _advisory(connection, waiting) if connection.vendor == "postgresql" else _file(connection, waiting):
        yield


@contextmanager
def _advisory(connection: BaseDatabaseWrapper, waiting: Callable[[], None]) -> Iterator[None]:
    """A transaction's lock on a connection of its own, since a pooler gives each transaction another session.

    It looks again and again instead of waiting in a statement, which would have a snapshot, and an index that is built
    concurrently waits for all snapshots. Once it has the lock, the transaction is open and has none.
    """
    other = connection.copy()
    with closing(other):
        other.set_autocommit(False)
        said = False
        while not _has_it(other):
            other.rollback()
            if not said:
                waiting()
            said = True
            time.sleep(LOOK)
        yield


def _has_it(other: BaseDatabaseWrapper) -> bool:
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [KEY])
        (has_it,) = cursor.fetchone()
        # The transaction is then idle for as long as the migrations take. A statement without a snapshot comes last:
        # a query's may be kept until the next statement.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return has_it


@contextmanager
def _file(connection: BaseDatabaseWrapper, waiting: Callable[[], None]) -> Iterator[None]:
    """A lock on a file beside SQLite's."""
    lock = FileLock(f"{connection.settings_dict['NAME']}.migrate.lock", mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire(poll_interval=LOOK)
    try:
        yield
    finally:
        lock.release()
