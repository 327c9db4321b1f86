"""Counters that expire, in the database: shared by all processes and hosts, and kept when they restart.

A failed login is rare and costs a password's hash, so it can afford a write. Times are whole seconds of Unix time.
"""

from collections.abc import Iterable, Mapping

from django.db import connection, transaction

from customer.models import LoginCounter

SWEPT = 20
"""The expired counters that one raise may remove: more than it makes, so the table does not grow with the years."""

# Begins anew where the counter has expired. The keys come sorted, so two of these never wait for each other.
RAISE = """
INSERT INTO customer_logincounter (key, failures, until) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN customer_logincounter.until > %s THEN customer_logincounter.failures + 1 ELSE 1 END,
    until = CASE WHEN customer_logincounter.until > %s THEN customer_logincounter.until ELSE excluded.until END
"""


def read(keys: Iterable[str], *, now: int) -> dict[str, tuple[int, int]]:
    """The failures that each counter holds, and when it expires; an expired one is not there."""
    rows = LoginCounter.objects.filter(key__in=list(keys), until__gt=now)
    return {key: (failures, until) for key, failures, until in rows.values_list("key", "failures", "until")}


def add(windows: Mapping[str, int], *, now: int) -> None:
    """Adds a failure to each key's counter; one that begins expires after so many seconds."""
    values = [(key, 1, now + seconds) for key, seconds in sorted(windows.items())]
    rows = ", ".join(["(%s, %s, %s)"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(RAISE.format(rows=rows), [part for row in values for part in row] + [now, now])
    with transaction.atomic():
        expired = LoginCounter.objects.filter(until__lte=now).select_for_update(skip_locked=True)
        LoginCounter.objects.filter(key__in=expired.values("key")[:SWEPT]).delete()


def keep(key: str, *, until: int) -> None:
    """Writes that something is so `until` then."""
    row = LoginCounter(key=key, failures=0, until=until)
    LoginCounter.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["until"])
