import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from psycopg.errors import LockNotAvailable

from operators import migrating

PATIENCE = "500ms"
"""How long a migration waits for a table's lock. Who wants the table meanwhile waits behind it, so it is short: less
than the second after which PostgreSQL ends one of two transactions that wait for each other."""
PAUSE = 1
"""Seconds in which the others have the table for themselves."""
TRIES = 200


class Command(migrate.Command):
    """Django's `migrate`, one at a time, which on PostgreSQL gives way to whoever uses a table: nobody waits for longer
    transactions.

    A migration that got no lock has changed nothing and is tried again; those before it are done.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor == "postgresql":
            connection.SchemaEditorClass = _giving_way(connection.SchemaEditorClass)
        try:
            with migrating.alone(connection, waiting=self._say_that_it_waits):
                return self._migrate(*args, **options)
        finally:
            vars(connection).pop("SchemaEditorClass", None)

    def _migrate(self, *args: Any, **options: Any) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                return super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                self.stderr.write(f"\nSomebody holds a lock: giving way, attempt {attempt} of {TRIES}.")
                time.sleep(PAUSE)
        raise CommandError("A table could not be locked; the migrations so far are done. Start migrate again later.")

    def _say_that_it_waits(self) -> None:
        self.stderr.write("Another migrate of this database is under way: waiting for it.")


def _giving_way(editor: type[BaseDatabaseSchemaEditor]) -> type[BaseDatabaseSchemaEditor]:
    class GivingWay(editor):
        """Its patience ends with its transaction: the session may be a pooler's, and others have it next.

        One without a transaction makes an index concurrently. That holds nobody up and, cut short, leaves half, so it
        has the session's patience, which is without end.
        """

        def __enter__(self) -> BaseDatabaseSchemaEditor:
            entered = super().__enter__()
            if self.atomic_migration:
                self.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            return entered

    return GivingWay
