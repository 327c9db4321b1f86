"""What a customer was charged in a range of time, in all and by the hour, day, month or subscription.

The spans of time are computed here, from the one table of time zones that is Python's, and the database counts in them.
Either way it walks (subscription, start_time), which is unique: the customer's subscriptions are at most a thousand, so
that an index by customer and time, which every pass would have to write, is not worth its price.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext as _

from customer import clock
from customer.errors import CustomerError
from customer.models import Account
from invoice import arrays, instants, sql
from invoice.instants import BEGINNING, END
from subscription_task.http import zones

MOST_SPANS = 10_000
"""A year has 8,784 hours at most."""

# SQLite's sum of whole numbers ends in an error beyond 64 bits, so it sums their halves.
SUMS = {"postgresql": "SUM(invoice.amount), 0", "sqlite": "SUM(invoice.amount & 4294967295), SUM(invoice.amount >> 32)"}
CHARGED = """
    invoice_invoice invoice ON invoice.subscription_id = subscription.id
        AND invoice.customer_id = subscription.customer_id
        AND invoice.start_time >= %s AND invoice.start_time < %s
    WHERE subscription.customer_id = %s
"""

# All of it in one row.
IN_ALL = {
    vendor: f"SELECT COUNT(*), {sums} FROM subscription_subscription subscription JOIN {CHARGED}"
    for vendor, sums in SUMS.items()
}

# The spans in which there was something, by their number.
BY_SPAN = {
    vendor: f"""
        SELECT COUNT(*), {SUMS[vendor]}, {number} AS span
        FROM subscription_subscription subscription JOIN {CHARGED}
        GROUP BY span
    """
    for vendor, number in (
        ("postgresql", "width_bucket(invoice.start_time, %b::timestamptz[])"),
        ("sqlite", "span_of(invoice.start_time)"),
    )
}

# Each subscription, those without an invoice as well.
BY_SUBSCRIPTION = {
    vendor: f"""
        SELECT COUNT(invoice.id), {sums}, subscription.id, subscription.name
        FROM subscription_subscription subscription LEFT JOIN {CHARGED}
        GROUP BY subscription.id, subscription.name ORDER BY subscription.id
    """
    for vendor, sums in SUMS.items()
}

# The first and the last instant that was charged: two steps into the index for each subscription.
EXTENT = {
    vendor: f"""
        SELECT {time.format("MIN(first)")}, {time.format("MAX(last)")}
        FROM (
            SELECT (SELECT MIN(start_time) FROM invoice_invoice WHERE subscription_id = subscription.id) AS first,
                   (SELECT MAX(start_time) FROM invoice_invoice WHERE subscription_id = subscription.id) AS last
            FROM subscription_subscription subscription WHERE subscription.customer_id = %s
        ) extent
    """
    for vendor, time in (("postgresql", "{}"), ("sqlite", "CAST({} AS TEXT)"))
}


class TooManySpans(CustomerError):
    """A series would have more than MOST_SPANS."""

    def __init__(self) -> None:
        super().__init__(
            _("This would be more than %(most)d groups: ask for less time with `from` and `to`, or for longer groups.")
            % {"most": MOST_SPANS}
        )


@dataclass(frozen=True, kw_only=True)
class Charged:
    """The invoices of a range, and what they cost together; `series` has them by group, if that was asked for.

    A group is that of a subscription, with its `id` and `name`, or a span of time, with its `start` and `end`.
    """

    number_of_invoices: int
    total_cost_amount: int
    series: list[dict[str, Any]] | None = None

    def fields(self) -> dict[str, Any]:
        """What there is of it."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def rows(self) -> list[dict[str, Any]]:
        """The same as a table."""
        return [self.fields()] if self.series is None else self.series


def charged(
    *, customer_id: int, since: datetime | None, until: datetime | None, tz: ZoneInfo, group_by: str | None
) -> Charged:
    """What the customer was charged for instants from `since` up to, not including, `until`.

    Spans of time are the hours, days or months of the zone `tz`, cut at `since` and `until`; those in which nothing
    was charged are among them. Where there is no `since` they begin with that of the first invoice, and where there is
    no `until` they end with that of the last one, or with the present one. Where nothing is asked, the account knows.
    Raises TooManySpans, Account.DoesNotExist.
    """
    if since is None and until is None and group_by is None:
        account = Account.objects.get(pk=customer_id)
        return Charged(number_of_invoices=account.invoice_count, total_cost_amount=account.invoice_total)
    if group_by is None:
        (found,) = sql.query(IN_ALL, since or BEGINNING, until or END, customer_id)
        return Charged(**_numbers(found))
    if group_by == "subscription":
        series = _by_subscription(customer_id, since or BEGINNING, until or END)
    else:
        series = _by_span(customer_id, *_bounds(customer_id, since, until, zones.UNITS[group_by], tz), group_by, tz)
    return Charged(
        number_of_invoices=sum(group["number_of_invoices"] for group in series),
        total_cost_amount=sum(group["total_cost_amount"] for group in series),
        series=series,
    )


def _by_subscription(customer_id: int, since: datetime, until: datetime) -> list[dict[str, Any]]:
    found = sql.query(BY_SUBSCRIPTION, since, until, customer_id)
    return [{"subscription": row[3], "name": row[4], **_numbers(row)} for row in found]


def _by_span(customer_id: int, since: datetime, until: datetime, unit: str, tz: ZoneInfo) -> list[dict[str, Any]]:
    spans = list(islice(zones.spans(unit, since, until, tz), MOST_SPANS + 1))
    if len(spans) > MOST_SPANS:
        raise TooManySpans
    if not spans:
        return []
    begins = [begin for begin, _end in spans]
    if connection.vendor == "postgresql":
        parameters = [arrays.Instants(map(instants.of, begins))]
    else:
        _teach_sqlite(begins)
        parameters = []
    parameters += [since, until, customer_id]
    found = {row[3]: row for row in sql.query(BY_SPAN, *parameters)}
    return [
        {"start": zones.text(begin, tz), "end": zones.text(end, tz), **_numbers(found.get(number, (0, 0, 0)))}
        for number, (begin, end) in enumerate(spans, start=1)
    ]


def _bounds(
    customer_id: int,
    since: datetime | None,
    until: datetime | None,
    span: Callable[[datetime, ZoneInfo], zones.Span],
    tz: ZoneInfo,
) -> tuple[datetime, datetime]:
    """What a series is about; nothing where its end is not after its beginning."""
    if since is not None and until is not None:
        return since, until
    ((first, last),) = sql.query(EXTENT, customer_id)
    if since is None:
        if first is None:
            return END, END
        since, _end = span(instants.time(sql.instant(first)), tz)
    if until is None:
        now = clock.now()
        newest = now if last is None else max(now, instants.time(sql.instant(last)))
        _begin, until = span(newest, tz)
    return since, until


def _numbers(row: tuple) -> dict[str, int]:
    return {"number_of_invoices": row[0], "total_cost_amount": int(row[1] or 0) + (int(row[2] or 0) << 32)}


def _teach_sqlite(begins: list[datetime]) -> None:
    """Gives SQLite what PostgreSQL has: the number of the span in which a time is. Times are text there."""
    texts = [connection.ops.adapt_datetimefield_value(begin) for begin in begins]
    connection.ensure_connection()
    connection.connection.create_function("span_of", 1, partial(bisect_right, texts), deterministic=True)
