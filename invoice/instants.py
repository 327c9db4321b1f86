"""Instants as billing computes with them: whole microseconds since 2000 in UTC, which is how PostgreSQL keeps them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
"""The first one that is a datetime; PostgreSQL has earlier ones."""
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""Of all time, where nobody said from when or until when."""


def of(time: datetime) -> int:
    """The instant of a time in UTC."""
    return (time - EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=1_000)  # the same instants come again
def time(instant: int) -> datetime:
    """An instant as a time in UTC. Raises OverflowError beyond the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=instant)


def text(instant: int) -> str:
    """An instant for people to read."""
    try:
        return str(time(instant))
    except OverflowError:
        return f"{instant / SECOND:+,.0f} s from 2000"
