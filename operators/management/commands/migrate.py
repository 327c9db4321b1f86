import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations import Migration
from psycopg.errors import LockNotAvailable

PATIENCE = "500ms"
"""How long a migration waits for a table's lock. Who wants the table meanwhile waits behind it, so it is short: less
than the second after which PostgreSQL ends one of two transactions that wait for each other."""
PAUSE = 1
"""Seconds in which the others have the table for themselves."""
TRIES = 200


class Command(migrate.Command):
    """Django's `migrate`, which on PostgreSQL gives way to whoever uses a table: nobody waits for longer transactions.

    A migration that got no lock has changed nothing and is tried again; those before it are done.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        self._connection = connections[options["database"]]
        try:
            for attempt in range(1, TRIES + 1):
                try:
                    return super().handle(*args, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, LockNotAvailable):
                        raise
                    self.stderr.write(f"\nSomebody holds a lock: giving way, attempt {attempt} of {TRIES}.")
                    time.sleep(PAUSE)
        finally:
            self._execute("RESET lock_timeout")
        raise CommandError("A table could not be locked; the migrations so far are done. Start migrate again later.")

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        if action in ("apply_start", "unapply_start"):
            # One without a transaction makes an index concurrently. That holds nobody up and, cut short, leaves half.
            self._execute(f"SET lock_timeout = '{PATIENCE if migration.atomic else 0}'")
        super().migration_progress_callback(action, migration, fake)

    def _execute(self, statement: str) -> None:
        if self._connection.vendor == "postgresql":
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
