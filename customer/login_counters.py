"""Counters that expire, in the database: shared by all processes and hosts, and kept when they restart.

A failed login is rare and costs a password's hash, so it can afford a write. Times are whole seconds of Unix time.
"""

from collections.abc import Iterable, Mapping

from django.db import connection, transaction

from customer import clock
from customer.models import LoginCounter

SWEPT = 20
"""The expired counters that one raise may remove: more than it makes, so the table does not grow with the years."""

# Changes nothing but who may: until the transaction ends, nobody else gets by this. The keys come sorted, here and
# below, so no two wait for each other in a circle.
HOLD = """
INSERT INTO customer_logincounter (key, failures, until) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET failures = customer_logincounter.failures
"""
# Begins anew where the counter has expired, or was begun by a clock that stood ahead.
RAISE = """
INSERT INTO customer_logincounter (key, failures, until) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN {lasts} THEN customer_logincounter.failures + 1 ELSE 1 END,
    until = CASE WHEN {lasts} THEN customer_logincounter.until ELSE excluded.until END
"""
LASTS = "customer_logincounter.until > %s AND customer_logincounter.until <= excluded.until + %s"
APART = int(clock.APART.total_seconds())


def read(windows: Mapping[str, int], *, now: int) -> dict[str, tuple[int, int]]:
    """The failures that each key's counter holds, and when it expires, which is so many seconds after it began.

    An expired one is not there, nor one that was begun by a clock that stood ahead.
    """
    rows = LoginCounter.objects.filter(key__in=list(windows), until__gt=now)
    found = rows.values_list("key", "failures", "until")
    return {key: (failures, until) for key, failures, until in found if until <= now + windows[key] + APART}


def hold(keys: Iterable[str]) -> None:
    """Lets nobody else hold or raise these counters until the transaction ends, which must have begun."""
    _write(HOLD, [(key, 0, 0) for key in sorted(keys)], [])


def add(windows: Mapping[str, int], *, now: int) -> None:
    """Adds a failure to each key's counter; one that begins expires after so many seconds."""
    _write(RAISE, [(key, 1, now + seconds) for key, seconds in sorted(windows.items())], [now, APART] * 2)


def sweep(*, now: int) -> None:
    """Removes some of the counters that have expired."""
    with transaction.atomic():
        expired = LoginCounter.objects.filter(until__lte=now).select_for_update(skip_locked=True)
        LoginCounter.objects.filter(key__in=expired.values("key")[:SWEPT]).delete()


def keep(key: str, *, until: int) -> None:
    """Writes that something is so `until` then."""
    row = LoginCounter(key=key, failures=0, until=until)
    LoginCounter.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["until"])


def _write(statement: str, values: list[tuple], more: list[int]) -> None:
    rows = ", ".join(["(%s, %s, %s)"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(statement.format(rows=rows, lasts=LASTS), [part for row in values for part in row] + more)
