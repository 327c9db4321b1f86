"""The one clock. Tests and simulations replace `now`; everything else calls `clock.now()`."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def now() -> datetime:
    """This instant in UTC: by the database's clock on PostgreSQL, so that all hosts agree, else by the host's."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            return cursor.fetchone()[0]
    return timezone.now()
