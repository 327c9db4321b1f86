"""How many requests each key has had in its window, exactly, over all processes and hosts."""

import logging
import sqlite3
from time import monotonic

import django.db

from customer import request_stores

logger = logging.getLogger(__name__)

REMEMBERED = 100_000
"""The spent keys that a process remembers; a flood from more addresses than that costs the database a write each."""

_spent: dict[str, float] = {}
"""Until when, by this process's own clock, it need not ask."""


def now() -> float | None:
    """Unix time, or None for the store's own clock. Tests replace it, and `monotonic`."""
    return None


def spent_for(key: str) -> float:
    """The seconds for which this process knows a key to be spent; 0 where it would have to ask."""
    left = _spent.get(key, 0) - monotonic()
    if left > 0:
        return left
    _spent.pop(key, None)
    return 0


def count(key: str, *, quota: int, seconds: int) -> tuple[int, float] | None:
    """Counts a request; returns its number in the window, from 1, and the seconds that are left of that.

    None where it could not be counted: a limit is not worth an outage.
    """
    began = monotonic()
    try:
        number, left = request_stores.count(key, seconds=seconds, at=now())
    except (django.db.Error, sqlite3.Error) as error:
        logger.warning("requests are not counted: %s", error)
        return None
    if number >= quota:
        if len(_spent) >= REMEMBERED:
            _spent.clear()
        _spent[key] = began + left
    return number, left
