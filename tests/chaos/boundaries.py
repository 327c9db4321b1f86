"""kill -9 at every boundary between statements of a piece of work, one after the other, on books that are set back."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests import servers
from tests.chaos import books

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
"""When the accounts were made, and were last billed."""
NOW = BEGIN + timedelta(minutes=50)
"""The time of all work: to the second, an instant of the grids."""
WORK = [
    "a pass",
    "a round of APScheduler's loop",
    "a top-up",
    "a creation",
    "an activation",
    "a deactivation",
    "a registration",
]
"""What is killed: the names that the nursery knows."""
WITH_KEY = ["a top-up with a key", "a creation with a key"]
"""The same, for what is sent to the API with an idempotency key."""

_NURSERY = "import django; django.setup(); from tests.chaos import nursery; nursery.main()"


@dataclass(frozen=True)
class Aftermath:
    """What a kill left behind, once passes had billed what was due. `killed` is None where the work came to its end."""

    killed: str | None
    books: dict[str, list[tuple]]


class Bench:
    """A planted database that can be set back to what was planted, and a nursery that works on it."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self._sqlite = database_url.startswith("sqlite")
        self._name = database_url.split("///")[1] if self._sqlite else urlsplit(database_url).path[1:]
        self._nursery = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            cwd=servers.ROOT,
            env=servers.environment(DATABASE_URL=database_url, DJANGO_SETTINGS_MODULE="subscription_task.settings"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> "Bench":
        self.ask("plant")
        self._keep()
        self.ask("warm up")
        return self

    def __exit__(self, *error: object) -> None:
        self._nursery.stdin.close()
        self._nursery.stdout.close()
        self._nursery.wait(servers.PATIENCE)

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Has a child do something on the database."""
        print(json.dumps({"do": do, "database": self._name, **more}), file=self._nursery.stdin, flush=True)
        answer = self._nursery.stdout.readline()
        assert answer, f"the nursery failed at {do!r}"
        return json.loads(answer)

    def aftermath(self, work: str, deadly: int | None = None) -> Aftermath:
        """Sets the books back, has the work done or killed at boundary number `deadly`, and passes run."""
        self._set_back()
        done = self.ask(work, deadly=deadly)
        self.ask("recover")
        return Aftermath(done["killed"], books.read(self.url))

    def kills(self, work: str) -> Iterator[Aftermath]:
        """The aftermath of a kill at the first boundary, the second, and so on through them all."""
        deadly = 1
        while (found := self.aftermath(work, deadly)).killed:
            yield found
            deadly += 1

    def check(self) -> list[str]:
        """What check_billing finds wrong now, or finds not billed yet."""
        found = self.ask("check")
        return found["faults"] + ([f"{found['due']} instants are due"] if found["due"] else [])

    def _keep(self) -> None:
        if self._sqlite:
            shutil.copy(self._name, f"{self._name}.kept")
            return
        # Copying a database takes a second with its removal; these rows take milliseconds.
        with psycopg.connect(self.url) as connection:
            connection.execute("CREATE SCHEMA kept")
            # The machine stays up, so what a kill leaves needs no disk.
            for table in _tables(connection):
                connection.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}")

    def _set_back(self) -> None:
        if self._sqlite:
            for rest in ("-wal", "-shm", ".scheduler.lock"):
                Path(f"{self._name}{rest}").unlink(missing_ok=True)
            shutil.copy(f"{self._name}.kept", self._name)
            return
        with psycopg.connect(self.url) as connection:
            tables, sequences = _tables(connection), _sequences(connection)
            statements = [f"LOCK TABLE {', '.join(tables)}"]  # waits for the session of a child that was killed
            statements += [f"DELETE FROM {table}" for table in tables]
            statements += [f"INSERT INTO {table} SELECT * FROM kept.{table}" for table in tables]
            statements += [f"SELECT setval('{name}', 100, false)" for name in sequences]
            connection.execute(";".join(statements))


def _tables(connection: psycopg.Connection) -> list[str]:
    """Those that billing writes."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND (tablename ~ '^(customer|subscription|invoice)_' OR tablename = 'django_apscheduler_djangojob')"
    )
    return [name for (name,) in found]


def _sequences(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
    return [name for (name,) in found]


@contextmanager
def bench(given: str | None = None) -> Iterator[Bench]:
    """A bench on a database of its own beside the `given` one, which is gone afterwards."""
    with servers.database(given) as url, Bench(url) as made:
        yield made


def forks() -> bool:
    """Whether this system can."""
    return hasattr(os, "fork")
