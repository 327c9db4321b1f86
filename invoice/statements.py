"""A customer's statement: ledger entries and invoices in one stream, newest first, each with the balance after it.

The order is that in which they moved the credit, and it can be read off the rows. An event at t first bills what is
due at t, and every job that then runs stands after t: so what was invoiced for instants up to t came before a ledger
entry at t, and what was invoiced for later ones came after it, however late a scheduler was. Invoices are written by
(instant, subscription), entries by t, which never runs back, and both draw their ids under the account's lock. So each
stream ascends in time by id, and the two are merged by time; where the times are the same, the invoices come first.
Hence no balance is below 0, the newest is the credit, and new rows only ever come on top.

A repair writes neither kind of row, and moves an account's time only to where nothing has happened after it. An
adjustment is a ledger entry like any other, at the time when it was made. Only rows that somebody wrote or restored by
hand can stand elsewhere than they moved the credit; the sum is right even then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext_lazy as _

from customer.errors import CustomerError
from customer.models import Account
from invoice import instants, sql

INVOICE = "invoice"
"""The kind of a line that is an invoice; that of others is the ledger entry's."""

# The rows of either kind next to a place, and the credit, in one statement and so in one snapshot. Each half walks its
# index from there: nothing is counted, sorted or summed that is not shown.
STATEMENT = """
    SELECT account.credit, line.*
    FROM customer_account account
    LEFT JOIN (
        SELECT 1 AS is_invoice, invoice.id, -invoice.amount AS amount, {time} AS at, {end} AS until,
               invoice.subscription_id, subscription.name, 'invoice' AS kind, '' AS reason, NULL AS username
        FROM (
            SELECT * FROM invoice_invoice WHERE customer_id = %s AND id {beyond} %s ORDER BY id {way} LIMIT %s
        ) invoice
        JOIN subscription_subscription subscription ON subscription.id = invoice.subscription_id
        UNION ALL
        SELECT 0, entry.id, entry.amount, {at}, NULL, NULL, NULL, entry.kind, entry.reason, person.username
        FROM (
            SELECT * FROM customer_ledgerentry WHERE account_id = %s AND id {beyond} %s ORDER BY id {way} LIMIT %s
        ) entry
        LEFT JOIN customer_customer person ON person.id = entry.by_id
    ) line ON TRUE
    WHERE account.customer_id = %s
"""


def _statement(beyond: str, way: str) -> dict[str, str]:
    """On SQLite times come as the text that they are."""
    times = {"time": "invoice.start_time", "end": "invoice.end_time", "at": "entry.at"}
    return {
        vendor: STATEMENT.format(beyond=beyond, way=way, **{name: cast.format(time) for name, time in times.items()})
        for vendor, cast in (("postgresql", "{}"), ("sqlite", "CAST({} AS TEXT)"))
    }


OLDER = _statement("<=", "DESC")
NEWER = _statement(">", "ASC")


class BadCursor(CustomerError):
    """The cursor is not one that this customer's statement has given."""

    def __init__(self) -> None:
        super().__init__(_("Invalid cursor"))


@dataclass(frozen=True, kw_only=True)
class Line:
    """An invoice (`amount` below 0, `at` its start_time) or a ledger entry; `balance` is the credit after it.

    `until`, `subscription_id` and `subscription`, its name, are an invoice's; `by`, a username, and `reason` are an
    entry's.
    """

    kind: str
    id: int
    at: datetime
    amount: int
    balance: int
    until: datetime | None
    subscription_id: int | None
    subscription: str | None
    by: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """Lines, newest first; `older` and `newer` are the cursors of the pages beside it, None where there is none."""

    credit: int
    lines: list[Line]
    older: str | None
    newer: str | None


class _Place(NamedTuple):
    """Between two lines: the newest invoice and ledger entry below it, and the balance after them."""

    invoice: int
    entry: int
    balance: int


class _Row(NamedTuple):
    is_invoice: int
    id: int
    amount: int
    at: int
    until: int | None
    subscription_id: int | None
    subscription: str | None
    kind: str
    reason: str
    by: str | None


TOP = 2**63 - 1


def page(*, customer_id: int, size: int, cursor: str | None = None) -> Page:
    """A page of at most `size` lines: the newest, or that which `cursor` leads to.

    Raises BadCursor, Account.DoesNotExist.
    """
    signer = Signer(salt=f"cursor of statement {customer_id}")
    up, place = _parsed(signer, cursor) if cursor is not None else (False, None)
    credit, invoices, entries = _read(customer_id, place or _Place(TOP, TOP, 0), size, up=up)
    rows = list(islice(merge(invoices, entries, key=_moved, reverse=not up), size))
    shown = sum(row.is_invoice for row in rows)
    moved = sum(row.amount for row in rows)
    if up:
        bottom, above = place, len(invoices) + len(entries) > size
        last = [part[-1].id if part else None for part in (invoices[:shown], entries[: len(rows) - shown])]
        top = _Place(last[0] or place.invoice, last[1] or place.entry, place.balance + moved)
        rows.reverse()
    else:
        top = place or _Place(TOP, TOP, credit)
        bottom = _Place(_newest(invoices[shown:]), _newest(entries[len(rows) - shown :]), top.balance - moved)
        above = place is not None
    return Page(
        credit=credit,
        lines=list(_lines(rows, top.balance)),
        older=_text(signer, False, bottom) if bottom.invoice or bottom.entry else None,
        newer=_text(signer, True, top) if above else None,
    )


def pages(*, customer_id: int, size: int) -> Iterator[list[Line]]:
    """All lines as they are now, newest first, so many at once. Raises Account.DoesNotExist."""
    found = page(customer_id=customer_id, size=size)
    yield found.lines
    while found.older:
        found = page(customer_id=customer_id, size=size, cursor=found.older)
        yield found.lines


def _moved(row: _Row) -> tuple[int, bool]:
    """When a row moved the credit: see above."""
    return row.at, not row.is_invoice


def _newest(rows: Sequence[_Row]) -> int:
    return rows[0].id if rows else 0


def _read(customer_id: int, place: _Place, size: int, *, up: bool) -> tuple[int, list[_Row], list[_Row]]:
    """The credit, and the invoices and the ledger entries next to a place, one more than a page has of each."""
    invoices, entries = (customer_id, place.invoice, size + 1), (customer_id, place.entry, size + 1)
    found = sql.query(NEWER if up else OLDER, *invoices, *entries, customer_id)
    if not found:
        raise Account.DoesNotExist
    rows = [_Row(*row)._replace(at=sql.instant(row[3]), until=sql.instant(row[4])) for _, *row in found if row[1]]
    rows.sort(key=attrgetter("id"), reverse=not up)
    return found[0][0], [row for row in rows if row.is_invoice], [row for row in rows if not row.is_invoice]


def _lines(rows: Sequence[_Row], balance: int) -> Iterator[Line]:
    """Rows from the newest to the oldest, the first of which left `balance`."""
    for row in rows:
        yield Line(
            kind=row.kind,
            id=row.id,
            at=instants.time(row.at),
            amount=row.amount,
            balance=balance,
            until=None if row.until is None else instants.time(row.until),
            subscription_id=row.subscription_id,
            subscription=row.subscription,
            by=row.by,
            reason=row.reason,
        )
        balance -= row.amount


def _text(signer: Signer, up: bool, place: _Place) -> str:
    return signer.sign(".".join(map(str, (int(up), *place))))


def _parsed(signer: Signer, cursor: str) -> tuple[bool, _Place]:
    try:
        up, *place = map(int, signer.unsign(cursor).split("."))
    except BadSignature:
        raise BadCursor from None
    return bool(up), _Place(*place)
