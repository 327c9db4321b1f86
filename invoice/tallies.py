"""What was charged by the minute: counted as it is charged, kept small, and counted anew where it must be.

Plots of invoices and income are drawn from these few rows; the invoices themselves would take minutes to sum.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter

from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum, TextField
from django.db.models.functions import Cast, TruncMinute

from customer import clock
from invoice import instants, sql
from invoice.instants import SECOND
from invoice.models import Invoice, Tally
from invoice.plan import Charge

START = attrgetter("start")
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
MINUTES_KEPT = timedelta(days=3)
"""How long minutes are kept apart; then they are one row for each hour."""
STILL = timedelta(minutes=2)
"""How old a minute is when connections have rarely more to count in it."""
HALF = 2**32
AT_ONCE = 5_000
"""The rows that one `compact` adds up at most."""

Row = tuple[int, int | None, int, int]
"""A row for `sql.WRITE_TALLIES`: minute, writer (None: this connection; 0: added up), invoices, amount."""


def of(charges: list[Charge]) -> list[Row]:
    """What this connection is to count for `charges`."""
    amounts: defaultdict[int, int] = defaultdict(int)
    for _, _, amount, start, _ in charges:
        amounts[start] += amount
    invoices = Counter(map(START, charges))
    return _summed(((start, invoices[start], amount) for start, amount in amounts.items()), MINUTE, None)


def compact() -> None:
    """Adds up what connections have counted apart, to one row a minute and, after MINUTES_KEPT, one an hour.

    A row that a pass is adding to is left for the next time.
    """
    now = clock.now()
    _compact(Q(minute__lt=now - STILL) & ~Q(writer=0), MINUTE)
    _compact(Q(minute__lt=now - MINUTES_KEPT) & (~Q(writer=0) | ~Q(minute__minute=0)), HOUR)


def recount() -> int:
    """Counts all invoices anew, while billing waits, and returns how many there are.

    For invoices of a version that counted none, and after books were restored or mended by hand.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE invoice_tally IN EXCLUSIVE MODE")
        Tally.objects.all().delete()
        # In two halves, since the sum of a minute can be beyond what SQLite adds up.
        by_minute = Invoice.objects.annotate(minute=TruncMinute("start_time")).values_list("minute").order_by("minute")
        counted = by_minute.annotate(count=Count("pk"), high=Sum(F("amount") / HALF), low=Sum(F("amount") % HALF))
        rows = [
            Tally(minute=minute, writer=0, invoices=invoices, amount=high * HALF + low)
            for minute, invoices, high, low in counted.iterator()
        ]
        Tally.objects.bulk_create(rows, batch_size=1_000)
        return sum(row.invoices for row in rows)


def _compact(which: Q, unit: int) -> None:
    with transaction.atomic():
        tallies = Tally.objects.select_for_update(skip_locked=True).filter(which).order_by("minute")
        # As text, since Django reads no more than 15 digits of SQLite's numbers.
        rows = list(tallies.annotate(exact=Cast("amount", TextField()))[:AT_ONCE])
        counted = ((instants.of(row.minute), row.invoices, int(Decimal(row.exact))) for row in rows)
        sql.write(sql.WRITE_TALLIES[connection.vendor], sql.TALLY_COLUMNS, _summed(counted, unit, 0))
        Tally.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _summed(counted: Iterable[tuple[int, int, int]], unit: int, writer: int | None) -> list[Row]:
    """Instants with their invoices and amounts, by the `unit`, in its order: so no two writers wait in a circle."""
    found: dict[int, list[int]] = {}
    for instant, invoices, amount in counted:
        begin = instant - instant % unit
        if (row := found.get(begin)) is None:
            row = found[begin] = [0, 0]
        row[0] += invoices
        row[1] += amount
    return [(begin, writer, *found[begin]) for begin in sorted(found)]
