"""Billing far ahead: what invoice.plan comes to, without a step for each of millions of charges. No database, no clock.

Until a charge leaves less than the dearest running job costs, every running job is charged at each of its instants, so
that a sum tells what has been charged by any of them. It is searched for the last before something is paused; from
there invoice.plan itself goes on, charge by charge, and so on from pause to pause.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from invoice import plan
from invoice.instants import SECOND

STEP = 500
"""About how many charges are made one by one from where something is paused: often it is not alone."""


@dataclass(slots=True)
class Stretch:
    """What is billed in a stretch of time: its first charges, how many in all, and all pauses, each in their order."""

    first: list[plan.Charge] = field(default_factory=list)
    invoices: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """How many a subscription gets."""
    amounts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    pauses: list[plan.Paused] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return sum(self.amounts.values())

    @property
    def count(self) -> int:
        return sum(self.invoices.values())

    def add(self, subscription_id: int, invoices: int, amount: int) -> None:
        self.invoices[subscription_id] += invoices
        self.amounts[subscription_id] += amount


def bill(account: plan.Account, until: int, *, first: int) -> Stretch:
    """Moves an account on to `until`, if nothing happens to it; its `first` charges are told one by one.

    Raises AccountBroken.
    """
    stretch, changes = Stretch(), plan.Changes()
    settled = plan.settle(changes, account, until, max(first, STEP))
    stretch.first = changes.charges[:first]
    _count(stretch, changes)
    while not settled:
        _skip(stretch, account, until)
        changes = plan.Changes()
        settled = plan.settle(changes, account, until, STEP)
        _count(stretch, changes)
    return stretch


def _count(stretch: Stretch, changes: plan.Changes) -> None:
    for charge in changes.charges:
        stretch.add(charge.subscription_id, 1, charge.amount)
    stretch.pauses += changes.pauses


def _skip(stretch: Stretch, account: plan.Account, until: int) -> None:
    """Charges all that comes before the next pause, to the second, and no later than `until`."""
    running = plan.running_jobs(account)
    seconds = range(account.settled_until, until + 1, SECOND)
    spare = max(account.credit - max((job.price for job in running), default=0), 0)
    at = seconds[bisect_right(seconds, spare, key=_charged_by(account.settled_until, running)) - 1]
    for job in running:
        if (invoices := (at - job.next) // job.period + 1) > 0:
            stretch.add(job.subscription_id, invoices, invoices * job.price)
            account.credit -= invoices * job.price
            job.next += invoices * job.period
    account.settled_until = at


def _charged_by(start: int, running: list[plan.Job]) -> Callable[[int], int]:
    """What an account that is settled up to `start` has been charged by an instant, if nothing is paused before.

    The jobs of one period are charged once in each, in the same order: what a full period costs tells most of it.
    """
    jobs_by_period: dict[int, list[plan.Job]] = defaultdict(list)
    for job in sorted(running, key=lambda job: job.next):
        jobs_by_period[job.period].append(job)
    rounds = [
        (period, [job.next - start for job in jobs], list(accumulate((job.price for job in jobs), initial=0)))
        for period, jobs in jobs_by_period.items()
    ]

    def charged(at: int) -> int:
        total = 0
        for period, offsets, sums in rounds:
            full, rest = divmod(at - start, period)
            total += full * sums[-1] + sums[bisect_right(offsets, rest)]
        return total

    return charged
