"""What a simulation found, for people and for machines. Money is in the smallest unit, times are UTC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Sum

from customer.models import SetAside
from invoice.checks.faults import counted
from invoice.models import Invoice
from subscription.models import Pause, Subscription

# SQLite's SUM fails beyond 2⁶³, which a provider's income may pass where no account's does; halves stay below.
INCOME = """
    SELECT substr(start_time, 1, 10) AS date, count(*), sum(amount >> 32), sum(amount & 4294967295)
    FROM invoice_invoice GROUP BY date ORDER BY date
"""


class NoForecast(Exception):
    """The simulation came to nothing that could be believed; the text says why."""


class Day(NamedTuple):
    """The invoices whose periods begin on a date."""

    date: str
    invoices: int
    amount: int


class Line(NamedTuple):
    """A subscription: what is invoiced for it, and how it stands at the end.

    `dry_from` is its first instant that is not billed for want of credit, None where it runs or is switched off;
    `lacks` is how much its account's `credit` then falls short of its price.
    """

    customer: int
    username: str
    subscription: int
    price: int
    period: int
    invoices: int
    amount: int
    credit: int
    dry_from: str | None
    lacks: int


class Aside(NamedTuple):
    """An account that cannot be billed, and so was not."""

    customer: int
    username: str
    error: str

    def __str__(self) -> str:
        return f"Set aside, so not billed: account {self.customer} ({self.username}): {self.error}"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is invoiced from `begin` to `end`: in all, by date, and by subscription."""

    begin: datetime
    end: datetime
    total: Day
    days: list[Day]
    lines: list[Line]
    set_aside: list[Aside]

    def as_json(self) -> dict[str, Any]:
        return {
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "invoices": self.total.invoices,
            "amount": self.total.amount,
            "days": [day._asdict() for day in self.days],
            "subscriptions": [line._asdict() for line in self.lines],
            "set_aside": [aside._asdict() for aside in self.set_aside],
        }

    def text(self) -> Iterator[str]:
        """Tables for people."""
        span = f"{self.begin:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S}"
        yield f"From {span} UTC, {counted(len(self.lines), 'subscription')}:"
        yield ""
        yield _row("date", "invoices", "amount")
        yield from (_row(*day) for day in (*self.days, self.total))
        yield ""
        dry = sorted((line for line in self.lines if line.dry_from), key=lambda line: line.dry_from)
        yield _row("dry from", "subscription", "price", "credit", "lacks", "customer") if dry else "Nothing runs dry."
        for line in dry:
            yield _row(line.dry_from[:19], str(line.subscription), line.price, line.credit, line.lacks, line.username)


def collect(*, begin: datetime, end: datetime, set_aside: Iterable[tuple[int, str, str]] = ()) -> Forecast:
    """Reads the scratch database after a simulation; `set_aside` was so before it."""
    with connection.cursor() as cursor:
        cursor.execute(INCOME)
        days = [Day(date, invoices, (high << 32) + low) for date, invoices, high, low in cursor]
    newly = SetAside.objects.order_by("pk").values_list("pk", "account__customer__username", "error")
    return Forecast(
        begin=begin,
        end=end,
        total=Day("total", sum(day.invoices for day in days), sum(day.amount for day in days)),
        days=days,
        lines=list(_lines()),
        set_aside=[Aside(*row) for row in (*set_aside, *newly)],
    )


def _lines() -> Iterator[Line]:
    sums = Invoice.objects.values_list("subscription_id").annotate(Count("id"), Sum("amount"))
    billed = {subscription_id: (invoices, amount) for subscription_id, invoices, amount in sums}
    withheld = dict(Pause.objects.filter(restored_from=None).values_list("subscription_id", "withheld_from"))
    for subscription in Subscription.objects.select_related("customer__account").order_by("pk"):
        customer, price = subscription.customer, subscription.price
        # What is switched on and paused all the same wants credit, whatever the pause began with.
        dry_from = withheld.get(subscription.pk) if subscription.isactive else None
        yield Line(
            customer.pk,
            customer.username,
            subscription.pk,
            price,
            subscription.period,
            *billed.get(subscription.pk, (0, 0)),
            customer.credit,
            dry_from and dry_from.isoformat(sep=" "),
            price - customer.credit if dry_from else 0,
        )


def _row(first: str, *others: str | int) -> str:
    return f"{first:<19}" + "".join(f"{f'{cell:,}' if isinstance(cell, int) else cell:>15}" for cell in others)
