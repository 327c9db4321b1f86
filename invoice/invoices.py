"""The customer's invoices: those that are asked for, a page or all of them, newest first.

Without a question the order is that of the ids. With one it is (start_time, id), which is the same unless somebody
wrote rows by hand. Then (subscription, start_time), an index that billing has to keep anyway, leads to the page from
each of the customer's subscriptions, and no page costs more for being far back.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from invoice import instants
from invoice.instants import BEGINNING, END
from invoice.models import Invoice, InvoiceQuerySet
from subscription_task.http import csv_files
from subscription_task.http.fields import MAX_MONEY

ROWS_LOOKED_THROUGH = 10_000
"""The rows among which one piece of a file is looked for."""
_NEXT = timedelta(microseconds=1)

# The rows of one subscription next to a place, by their times. That they are the customer's is asked of what was found:
# here it would lead planners to the index of the customer, or to sorting, since they take it for a rare thing.
_OF_ONE = """
    FROM invoice_invoice each
    WHERE each.subscription_id = subscription.id
        AND each.start_time >= %(since)s AND each.start_time < %(until)s
        AND each.amount BETWEEN %(least)s AND %(most)s
        AND (each.start_time {beyond} %(at)s OR each.id {beyond} %(id)s)
    ORDER BY each.start_time {way}
    LIMIT %(rows)s
"""
# Of those of all subscriptions, or of one, the nearest.
_OF_ALL = """
    SELECT invoice.*
    FROM subscription_subscription subscription
    CROSS JOIN {found}
    WHERE subscription.customer_id = %(customer)s AND invoice.customer_id + 0 = %(customer)s
        AND subscription.id BETWEEN %(first)s AND %(last)s
    ORDER BY invoice.start_time {way}, invoice.id {way}
    LIMIT %(rows)s
"""
_FOUND = {
    "postgresql": f"LATERAL (SELECT each.* {_OF_ONE}) invoice",
    "sqlite": f"invoice_invoice invoice ON invoice.id IN (SELECT each.id {_OF_ONE})",  # it has no LATERAL
}


def _statement(beyond: str, way: str) -> dict[str, str]:
    return {
        vendor: _OF_ALL.format(found=found.format(beyond=beyond, way=way), way=way) for vendor, found in _FOUND.items()
    }


OLDER, NEWER = _statement("<", "DESC"), _statement(">", "ASC")


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which of a customer's invoices: each None where nothing was said; `since` ≤ start_time < `until`, in UTC."""

    customer_id: int
    subscription: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    least: int | None = None
    most: int | None = None

    @property
    def is_all(self) -> bool:
        return {self.subscription, self.since, self.until, self.least, self.most} == {None}

    def rows(self) -> InvoiceQuerySet:
        """All that it is about."""
        said = {
            "subscription": self.subscription,
            "start_time__gte": self.since,
            "start_time__lt": self.until,
            "amount__gte": self.least,
            "amount__lte": self.most,
        }
        wanted = {name: value for name, value in said.items() if value is not None}
        return Invoice.objects.filter(customer_id=self.customer_id, **wanted)


@dataclass(frozen=True, kw_only=True)
class Place:
    """At an invoice, in the order of times."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{instants.of(self.at)}.{self.id}"

    @classmethod
    def of(cls, text: str) -> "Place | None":
        """The place that has this text, if any does."""
        instant, dot, number = text.partition(".")
        return cls(at=instants.time(int(instant)), id=int(number)) if dot else None


def beside(question: Question, place: Place | None, *, up: bool, most: int) -> list[Invoice]:
    """The invoices below a place, or from the top, or, going `up`, those above it: the nearest first."""
    since, until = question.since or BEGINNING, question.until or END
    at = place or Place(at=END, id=0)
    asked: dict[str, Any] = {
        "customer": question.customer_id,
        "first": question.subscription or 0,
        "last": question.subscription or MAX_MONEY,
        "since": max(since, at.at) if up else since,
        "until": until if up else min(until, at.at + _NEXT) if place else until,
        "least": question.least or 0,
        "most": MAX_MONEY if question.most is None else question.most,
        "at": at.at,
        "id": at.id,
        "rows": most,
    }
    for name in ("since", "until", "at"):
        asked[name] = connection.ops.adapt_datetimefield_value(asked[name])
    return list(Invoice.objects.raw((NEWER if up else OLDER)[connection.vendor], asked))


def chunks(question: Question) -> Iterator[Iterable[Invoice]]:
    """All that the question is about, some thousands at once, each invoice exactly once, also while new ones arrive."""
    if question.is_all:
        return csv_files.by_key(question.rows())
    return _by_time(question) if question.subscription else _by_id(question)


def _by_time(question: Question) -> Iterator[list[Invoice]]:
    """Of one subscription, along the index of its times."""
    place: Place | None = None
    while chunk := beside(question, place, up=False, most=csv_files.ROWS_AT_ONCE):
        yield chunk
        place = Place(at=chunk[-1].start_time, id=chunk[-1].pk)


def _by_id(question: Question) -> Iterator[list[Invoice]]:
    """Of all subscriptions: what is asked for among so many rows at a time, so that no query takes long."""
    everything = Invoice.objects.filter(customer_id=question.customer_id).order_by("-pk")
    below = MAX_MONEY
    while True:
        stretch = everything.filter(pk__lt=below).values_list("pk", flat=True)
        floor = next(iter(stretch[ROWS_LOOKED_THROUGH - 1 : ROWS_LOOKED_THROUGH]), 0)
        yield list(question.rows().filter(pk__lt=below, pk__gte=floor).order_by("-pk"))
        if not floor:
            return
        below = floor
