"""Where requests are counted: in the database on PostgreSQL, in a file beside it on SQLite.

A counter holds the hits of a key since its window began, and `until` when that lasts. It is written apart from any
transaction, waits neither for a billing pass nor for the disk, and need not survive a crash.
"""

import sqlite3
import time
from pathlib import Path
from threading import Lock
from typing import Any

from django.db import connection

SWEPT = 20
"""The expired counters that a window's beginning may remove: more than it makes, so the table does not grow."""

# A window that ends further ahead than any that begins now was made by a clock that has been put right since.
COUNT = """
INSERT INTO customer_requestcounter AS counter (key, hits, until) VALUES ({key}, 1, {now} + {seconds})
ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN counter.until > {now} AND counter.until < {now} + 2 * {seconds} THEN counter.hits + 1 ELSE 1 END,
    until = CASE WHEN counter.until > {now} AND counter.until < {now} + 2 * {seconds} THEN counter.until
        ELSE excluded.until END
RETURNING hits, until - {now}
"""
SWEEP = """
DELETE FROM customer_requestcounter
WHERE key IN (SELECT key FROM customer_requestcounter WHERE until <= {now} LIMIT {swept} {unlocked})
"""
_POSTGRESQL = {
    "key": "%(key)s",
    "seconds": "%(seconds)s",
    # One time for all hosts, and one for the whole statement.
    "now": "COALESCE(%(at)s, extract(epoch FROM statement_timestamp())::float8)",
    "swept": SWEPT,
    "unlocked": "FOR UPDATE SKIP LOCKED",
}
_SQLITE = {"key": ":key", "seconds": ":seconds", "now": ":at", "swept": SWEPT, "unlocked": ""}
_TABLE = """
CREATE TABLE IF NOT EXISTS customer_requestcounter (key TEXT PRIMARY KEY, hits INTEGER NOT NULL, until REAL NOT NULL)
WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS customer_requestcounter_until ON customer_requestcounter (until);
"""


def count(key: str, *, seconds: int, at: float | None = None) -> tuple[int, float]:
    """Counts a hit; returns how many the window has had, and how many seconds of it are left, more than 0.

    `at` is Unix time; without, the store's own clock says it. Raises django.db.Error or sqlite3.Error.
    """
    run = _in_the_database if connection.vendor == "postgresql" else _file.run
    return run(key=key, seconds=seconds, at=at)


def _in_the_database(**values: Any) -> tuple[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(**_POSTGRESQL), values)
        hits, left = cursor.fetchone()
        if hits == 1:
            cursor.execute(SWEEP.format(**_POSTGRESQL), values)
    return hits, left


def beside() -> str:
    """The path of the counters' file, on SQLite."""
    return f"{connection.settings_dict['NAME']}-limits"


class _File:
    """The counters of a service on SQLite. A process has one connection to them, which its threads share."""

    BUSY = 5
    """The seconds that a count waits for those of other processes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._path = ""  # of what is open
        self._connection: sqlite3.Connection | None = None

    def run(self, *, key: str, seconds: int, at: float | None) -> tuple[int, float]:
        values = {"key": key, "seconds": seconds, "at": time.time() if at is None else at}
        path = beside()
        with self._lock:
            try:
                return self._count(path, values)
            except sqlite3.OperationalError:  # locked, or it cannot be written
                raise
            except sqlite3.DatabaseError:  # damaged: nobody waited for the disk when the power went
                self.remove(path)
                return self._count(path, values)

    def remove(self, path: str) -> None:
        """Removes all counters; what comes next makes the file anew."""
        self.close()
        for ending in ("", "-wal", "-shm"):
            Path(path + ending).unlink(missing_ok=True)

    def close(self) -> None:
        """Gives the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, path: str) -> None:
        self.close()
        self._path = path
        self._connection = sqlite3.connect(path, timeout=self.BUSY, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(self._connection)
        except sqlite3.Error:
            self.close()
            raise

    def _prepare(self, opened: sqlite3.Connection) -> None:
        """Sees to the journal and the table. SQLite itself waits for nobody who is about to do the same."""
        patience = time.monotonic() + self.BUSY
        while True:
            try:
                opened.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _TABLE)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                    raise
                time.sleep(0.01)

    def _count(self, path: str, values: dict[str, Any]) -> tuple[int, float]:
        if self._connection is None or self._path != path:
            self._open(path)
        ((hits, left),) = self._connection.execute(COUNT.format(**_SQLITE), values).fetchall()
        if hits == 1:
            self._connection.execute(SWEEP.format(**_SQLITE), values)
        return hits, left


_file = _File()
