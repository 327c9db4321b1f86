"""The one clock. Tests and simulations replace `now`; everything else calls `clock.now()`."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

APART = timedelta(minutes=1)
"""How far the clocks of hosts may be apart."""


def believed(noted: datetime, *, now: datetime) -> bool:
    """Whether a time that somebody noted as theirs can be true: one in the future, by more than APART, cannot.

    The clock that it was read from stood ahead, and was put right since. What was noted then counts as never noted.
    """
    return noted <= now + APART


def now() -> datetime:
    """This instant in UTC: by the database's clock on PostgreSQL, so that all hosts agree, else by the host's."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            return cursor.fetchone()[0]
    return timezone.now()
