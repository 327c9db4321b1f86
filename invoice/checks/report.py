"""Proves the books and the schedule on the live database, in one snapshot, and reports what is wrong."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DataError
from django_apscheduler.models import DjangoJob

from customer import clock
from customer.models import Account, LedgerEntry
from invoice.checks import books, invoices, schedule, schema
from invoice.checks.database import rows, snapshot
from invoice.checks.faults import Fault, counted
from invoice.models import Checked, Invoice
from subscription.models import Pause, Subscription

CHECKS: tuple[Callable[..., Iterator[Fault]], ...] = (
    books.set_aside,
    schema.constraints,
    schema.values,
    schema.references,
    books.accounts,
    books.balances,
    books.strays,
    schedule.terms,
    schedule.prices,
    schedule.jobs,
    schedule.orphans,
    schedule.pauses,
    invoices.coverage,
)
OF_ACCOUNT = tuple(check for check in CHECKS if check not in (books.set_aside, schema.constraints, schedule.orphans))
"""Those that can be asked about one account."""
COUNTED = {
    "accounts": Account,
    "subscriptions": Subscription,
    "invoices": Invoice,
    "jobs": DjangoJob,
    "pauses": Pause,
    "ledger_entries": LedgerEntry,
}
# What is due by a second and not billed yet, accounts set aside left out. What the credit will not cover is among it:
# only billing can tell.
BACKLOG = """
    SELECT COALESCE(sum((due.until - due.next) / due.period + 1), 0), min(due.next)
    FROM (
        SELECT INSTANT(job.next_run_time) AS next, NULLIF(subscription.period, 0) AS period, CAST(%s AS bigint) AS until
        FROM django_apscheduler_djangojob job
        JOIN subscription_subscription subscription ON CAST(subscription.id AS varchar) = job.id
        WHERE NOT EXISTS (SELECT 1 FROM customer_setaside aside WHERE aside.account_id = subscription.customer_id)
    ) due
    WHERE due.next <= due.until
"""


LINES = 20
"""How many faults are kept of a check."""
KEPT = 100
"""How many checks are."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the checks found at `at`, in so many `seconds`. `due` instants were not billed yet, since `oldest`: late,
    but no fault.
    """

    at: datetime
    seconds: float
    checked: dict[str, int]
    faults: list[Fault]
    due: int
    oldest: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.faults,
            "at": self.at.isoformat(),
            "checked": self.checked,
            "faults": [fault.as_json() for fault in self.faults],
            "backlog": {"instants": self.due, "oldest": self.oldest.isoformat() if self.oldest else None},
        }

    def lines(self) -> Iterator[str]:
        """For people: the result, a line for each fault, the backlog."""
        seen = ", ".join(counted(self.checked[f"{what}s"], what) for what in ("account", "subscription", "invoice"))
        yield f"{seen}: {counted(len(self.faults), 'fault') if self.faults else 'all is well'}"
        yield from map(str, self.faults)
        if self.oldest:
            yield (
                f"Backlog: {counted(self.due, 'instant')} due by {self.at:%Y-%m-%d %H:%M:%S} and not billed yet, the"
                f" oldest {self.oldest:%Y-%m-%d %H:%M:%S}. A scheduler that runs bills them."
            )
        else:
            yield "Backlog: none."


def found_by(check: Callable[..., Iterator[Fault]], *account: int) -> Iterator[Fault]:
    """What a check finds, perhaps in one account. What it cannot read is a fault too, and the other checks go on."""
    try:
        yield from check(*account)
    except (TypeError, ValueError, OverflowError, DataError) as error:
        proves = check.__doc__.splitlines()[0]
        yield Fault(
            code="check_failed",
            account=account[0] if account else None,
            message=f'"{proves}" could not be proved to the end: {error}. Mend what cannot be read, and check again.',
        )


def of_account(account: int) -> list[Fault]:
    """What is wrong with one account, in the open transaction; that it may be set aside is not asked."""
    return [fault for check in OF_ACCOUNT for fault in found_by(check, account)]


def _moment(second: int | None) -> datetime | None:
    """An instant, given in seconds since 1970; the first of all where it lies before Python's time."""
    try:
        return None if second is None else datetime.fromtimestamp(second, UTC)
    except (OverflowError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def run(*, progress: Callable[[str], None]) -> Report:
    """Runs all checks; `progress` is told what each one proves. Raises django.db.Error where the database fails."""
    began = time.monotonic()
    with snapshot():
        at = clock.now()
        checked = {what: model.objects.count() for what, model in COUNTED.items()}
        faults = []
        for check in CHECKS:
            progress(check.__doc__.splitlines()[0])
            faults += found_by(check)
        ((due, oldest),) = rows(BACKLOG, int(at.timestamp()))
    return Report(
        at=at,
        seconds=time.monotonic() - began,
        checked=checked,
        faults=faults,
        due=int(due),
        oldest=_moment(oldest),
    )


def record(found: Report) -> None:
    """Keeps a report, and the KEPT latest. Raises django.db.Error."""
    Checked.objects.create(
        at=found.at,
        seconds=found.seconds,
        faults=len(found.faults),
        due=found.due,
        lines=[str(fault) for fault in found.faults[:LINES]],
    )
    latest = Checked.objects.order_by("-id").values_list("pk", flat=True)[:KEPT]
    Checked.objects.exclude(pk__in=list(latest)).delete()
