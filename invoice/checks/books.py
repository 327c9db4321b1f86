"""The books: every credit is what was put in less what was charged."""

from collections.abc import Iterator
from numbers import Number
from typing import NamedTuple

from customer.models import SetAside
from invoice.checks import words
from invoice.checks.database import rows
from invoice.checks.faults import Fault, counted
from subscription.models import Subscription

# SQLite's SUM fails beyond 2⁶³, which damaged rows may reach; halves stay far below, and Python puts them together.
_HALVES = "sum({0} >> 32), sum({0} & 4294967295)"
BOOKS = f"""
    WITH ledger(account_id, high, low, put_in_high, put_in_low) AS (
        SELECT account_id, {_HALVES.format("amount")}, {_HALVES.format("(CASE WHEN amount > 0 THEN amount ELSE 0 END)")}
        FROM customer_ledgerentry WHERE OF_ACCOUNT(account_id) GROUP BY account_id
    ),
    invoices(customer_id, number, high, low) AS (
        SELECT customer_id, count(*), {_HALVES.format("amount")}
        FROM invoice_invoice WHERE OF_ACCOUNT(customer_id) GROUP BY customer_id
    )
    SELECT account.customer_id, account.credit, account.deposited, account.invoice_count, account.invoice_total,
           ledger.high, ledger.low, ledger.put_in_high, ledger.put_in_low,
           invoices.number, invoices.high, invoices.low
    FROM customer_account account
    LEFT JOIN ledger ON ledger.account_id = account.customer_id
    LEFT JOIN invoices ON invoices.customer_id = account.customer_id
    WHERE OF_ACCOUNT(account.customer_id)
    ORDER BY account.customer_id
"""
NO_ACCOUNT = """
    SELECT customer.id FROM customer_customer customer
    LEFT JOIN customer_account account ON account.customer_id = customer.id
    WHERE account.customer_id IS NULL AND OF_ACCOUNT(customer.id)
    ORDER BY customer.id
"""

# Entries are written under their account's lock: ids and times go the same way. A registration is its customer's own,
# and its account's first.
STRAYS = """
    WITH entry AS (
        SELECT entry.id, entry.account_id, entry.kind, entry.by_id, entry.at,
               lag(entry.at) OVER in_order AS before, lag(entry.id) OVER in_order AS before_id
        FROM customer_ledgerentry entry
        WHERE OF_ACCOUNT(entry.account_id)
        WINDOW in_order AS (PARTITION BY entry.account_id ORDER BY entry.id)
    )
    SELECT id, account_id, kind, CAST(at AS varchar)
    FROM entry
    WHERE at < before OR kind = 'registration' AND (by_id <> account_id OR before_id IS NOT NULL)
    ORDER BY account_id, id
"""


class Books(NamedTuple):
    """An account's columns, and what its rows come to."""

    account: int
    credit: int
    deposited: int
    invoice_count: int
    invoice_total: int
    ledger: int
    put_in: int
    invoices: int
    charged: int


def read(account: int | None = None) -> Iterator[Books]:
    """The books of every account, or of one."""
    for customer_id, *columns, high, low, put_in_high, put_in_low, number, charged_high, charged_low in rows(
        BOOKS, account=account
    ):
        sums = _whole(high, low), _whole(put_in_high, put_in_low), number or 0, _whole(charged_high, charged_low)
        yield Books(customer_id, *columns, *sums)


def set_aside() -> Iterator[Fault]:
    """Every account can be billed: none is set aside."""
    for aside in SetAside.objects.order_by("account_id"):
        subscriptions = counted(Subscription.objects.filter(customer_id=aside.account_id).count(), "subscription")
        yield Fault(
            code="account_set_aside",
            account=aside.account_id,
            message=words.SET_ASIDE
            % {
                "since": f"{aside.since:%Y-%m-%d %H:%M:%S}",
                "count": subscriptions,
                "error": " ".join(aside.error.split()),
            },
        )


def accounts(account: int | None = None) -> Iterator[Fault]:
    """Every customer has an account."""
    for (customer_id,) in rows(NO_ACCOUNT, account=account):
        yield Fault(
            code="account_missing",
            account=customer_id,
            message=str(words.NO_ACCOUNT),
        )


def balances(account: int | None = None) -> Iterator[Fault]:
    """Every credit is the sum of its ledger entries less that of its invoices; what an account counts is so."""
    for books in read(account):
        if books.credit != books.ledger - books.charged:
            yield Fault(
                code="credit_wrong",
                account=books.account,
                message=words.CREDIT_WRONG
                % {
                    "credit": books.credit,
                    "ledger": books.ledger,
                    "charged": books.charged,
                    "difference": books.ledger - books.charged,
                },
            )
        if books.credit < 0:
            yield Fault(
                code="credit_negative",
                account=books.account,
                message=words.CREDIT_NEGATIVE % {"credit": books.credit},
            )
        for column, found, expected, wrong in (
            ("deposited", books.deposited, books.put_in, words.DEPOSITED_WRONG),
            ("invoice_count", books.invoice_count, books.invoices, words.COUNT_WRONG),
            ("invoice_total", books.invoice_total, books.charged, words.TOTAL_WRONG),
        ):
            if found != expected:
                yield Fault(
                    code=f"{column}_wrong",
                    account=books.account,
                    message=wrong % {"column": column, "found": found, "expected": expected},
                )


def strays(account: int | None = None) -> Iterator[Fault]:
    """Ledger entries follow each other in time; a registration is its customer's own, and the first."""
    for entry_id, account_id, kind, at in rows(STRAYS, account=account):
        yield Fault(
            code="entry_astray",
            account=account_id,
            message=words.STRAY % {"id": entry_id, "kind_id": kind, "time": at},
        )


def _whole(high: Number | None, low: Number | None) -> int:
    """A sum from those of its halves; 0 where there was nothing to sum."""
    return int(high or 0) * 2**32 + int(low or 0)
