"""What the books say, read with plain SQL and counted apart from the service's own code. Times are seconds."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any

from tests import servers

STEADY = "steady"
"""The name of subscriptions that are never switched and never out of credit: every instant of theirs is due."""

TABLES = {
    "customers": "SELECT username, first_name, is_active FROM customer_customer ORDER BY username",
    "accounts": "SELECT customer_id, credit, settled_until, deposited, invoice_count, invoice_total"
    " FROM customer_account ORDER BY customer_id",
    "ledger": "SELECT account_id, kind, amount, at, by_id FROM customer_ledgerentry ORDER BY account_id, at, amount",
    "set aside": "SELECT account_id, error FROM customer_setaside ORDER BY account_id",
    "subscriptions": "SELECT id, customer_id, name, price, period, isactive, created_at"
    " FROM subscription_subscription ORDER BY id",
    "pauses": "SELECT subscription_id, withheld_from, restored_from, paused_at, resumed_at, paused_because, paused_on,"
    " resumed_on, paused_by_id, resumed_by_id FROM subscription_pause ORDER BY subscription_id, withheld_from, id",
    "jobs": "SELECT id, next_run_time FROM django_apscheduler_djangojob ORDER BY id",
    "keys": "SELECT customer_id, key, status, at FROM customer_idempotencykey ORDER BY customer_id, key",
    "invoices": "SELECT customer_id, subscription_id, start_time, end_time, amount FROM invoice_invoice"
    " ORDER BY subscription_id, start_time",
}
"""All that billing writes, without the ids that a transaction which was undone leaves out."""


def read(database_url: str) -> dict[str, list[tuple]]:
    """The whole books: two databases to which the same happened give the same."""
    with closing(servers.connect(database_url)) as connection:
        return {table: connection.execute(statement).fetchall() for table, statement in TABLES.items()}


def second(value: datetime | str | None) -> float:
    """A time of either database; one that is not set is never."""
    if value is None:
        return inf
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    return read.replace(tzinfo=read.tzinfo or UTC).timestamp()


@dataclass(frozen=True, kw_only=True)
class Count:
    """Instants due, those of them that have an invoice, and what is wrong: too many, too few, where none was due."""

    due: int
    billed: int
    twice: int
    missing: int
    stray: int

    def __add__(self, other: "Count") -> "Count":
        return Count(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def count(database_url: str, *, until: float) -> Count:
    """Compares the invoices with the grids, less the recorded pauses, of all subscriptions up to and with `until`."""
    rows = read(database_url)
    billed: dict[int, Counter[float]] = {}
    for _, subscription_id, start, *_ in rows["invoices"]:
        billed.setdefault(subscription_id, Counter())[second(start)] += 1
    pauses: dict[int, list[tuple[float, float]]] = {}
    for subscription_id, withheld, restored, *_ in rows["pauses"]:
        pauses.setdefault(subscription_id, []).append((second(withheld), second(restored)))
    total = Count(due=0, billed=0, twice=0, missing=0, stray=0)
    for subscription_id, _, name, _, period, _, created_at in rows["subscriptions"]:
        withheld = [] if name == STEADY else pauses.get(subscription_id, [])
        due = {
            instant
            for instant in range(int(second(created_at)) + period, int(until) + 1, period)
            if not any(begins <= instant < ends for begins, ends in withheld)
        }
        total += _compare(due, billed.pop(subscription_id, Counter()), until)
    assert not billed, f"invoices of subscriptions that are not there: {sorted(billed)}"
    return total


def _compare(due: set[int], billed: Counter[float], until: float) -> Count:
    billed = Counter({instant: invoices for instant, invoices in billed.items() if instant <= until})
    return Count(
        due=len(due),
        billed=len(due & billed.keys()),
        twice=sum(invoices - 1 for invoices in billed.values()),
        missing=len(due - billed.keys()),
        stray=len(billed.keys() - due),
    )


def off(database_url: str) -> list[Any]:
    """The accounts whose credit is not what came in less what was billed."""
    rows = read(database_url)
    expected: Counter[int] = Counter()
    for account_id, _, amount, *_ in rows["ledger"]:
        expected[account_id] += amount
    for customer_id, *_, amount in rows["invoices"]:
        expected[customer_id] -= amount
    return [row for row in rows["accounts"] if row[1] != expected[row[0]]]
