"""Where a row is done, and what all rows use."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.postgres import Postgres

SECONDS = 20
"""How long a row's faults go on."""


class NotHere(Exception):
    """This machine cannot do it, and why."""


@dataclass(frozen=True)
class Place:
    """Where a row's databases are made: beside `given`, on `postgres`, or as files."""

    given: str
    postgres: Postgres | None = None

    @property
    def named(self) -> str:
        return "PostgreSQL" if self.postgres else "SQLite"


def turns(seconds: float) -> Iterator[random.Random]:
    """Turns for so many seconds, a fraction of a second apart, each with a source of chance."""
    chance = random.Random(seconds)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.1, 1))
        yield chance


def send_signal(pid: int, number: int) -> None:
    """Sends a signal to a process, if it is still there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
