"""The rule of billing, and nothing else: no database, no clock.

A job runs if and only if its subscription is active and its account's credit covers its price. Amounts are integers in
the smallest unit of money, instants are UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from customer.accounts import Event
from customer.errors import AccountBroken
from subscription.models import Pause

TICK = timedelta(microseconds=1)
"""The smallest step of time: an instant less a tick is the last moment before it."""


SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Job:
    """A subscription as billing sees it. `next` is the job's next instant: None while it is paused."""

    subscription_id: int
    price: int
    period: timedelta
    anchor: datetime
    active: bool
    next: datetime | None

    def first_after(self, at: datetime) -> datetime:
        """The first instant of the grid after `at`."""
        return self.anchor + max((at - self.anchor) // self.period + 1, 1) * self.period


@dataclass(slots=True)
class Account:
    """A locked account with all its jobs. Planning moves it on in place; writing makes that true."""

    customer_id: int
    credit: int
    settled_until: datetime
    jobs: list[Job]

    def runs(self, job: Job) -> bool:
        """The rule."""
        return job.active and job.price <= self.credit


class Charge(NamedTuple):
    """An invoice to be written."""

    customer_id: int
    subscription_id: int
    amount: int
    start: datetime
    end: datetime


class Paused(NamedTuple):
    """A job that stops at `at`; `withheld_from` is its first instant that is not billed."""

    subscription_id: int
    withheld_from: datetime
    at: datetime
    because: Pause.Reason
    event: Event


class Resumed(NamedTuple):
    """A job that goes on at `at`; `restored_from` is its first instant that will be billed."""

    subscription_id: int
    restored_from: datetime
    at: datetime
    event: Event


@dataclass(slots=True)
class Outcome:
    """What a plan changes about one account. `settled` is False where more is due than the plan was allowed."""

    account: Account
    charges: list[Charge] = field(default_factory=list)
    pauses: list[Paused] = field(default_factory=list)
    resumes: list[Resumed] = field(default_factory=list)
    settled: bool = True

    def moved(self) -> Iterator[tuple[int, datetime | None]]:
        """The jobs whose next instant has changed, with that."""
        touched = {row.subscription_id for rows in (self.charges, self.pauses, self.resumes) for row in rows}
        return ((job.subscription_id, job.next) for job in self.account.jobs if job.subscription_id in touched)


def settle(account: Account, at: datetime, most: int) -> Outcome:
    """Bills what is due at `at`, in order of (instant, subscription): about `most` charges, whole instants at a time.

    Each is charged if the credit covers it; after each, every job that costs more than what is left is paused as of
    that instant. Raises AccountBroken.
    """
    verify(account)
    outcome = Outcome(account)
    running = [job for job in account.jobs if job.next is not None]
    due = [(job.next, job.subscription_id, job) for job in running if job.next <= at]
    heapify(due)
    by_price = sorted(running, key=lambda job: job.price)
    instant = account.settled_until
    while due:
        if len(outcome.charges) >= most and due[0][0] > instant:
            account.settled_until = due[0][0] - TICK
            outcome.settled = False
            return outcome
        instant, _, job = heappop(due)
        if job.next is None:  # paused by an earlier charge
            continue
        if account.runs(job):
            account.credit -= job.price
            job.next = instant + job.period
            outcome.charges.append(Charge(account.customer_id, job.subscription_id, job.price, instant, job.next))
            if job.next <= at:
                heappush(due, (job.next, job.subscription_id, job))
        else:
            outcome.pauses.append(_pause(job, instant, Event.CHARGE))
        while by_price and by_price[-1].price > account.credit:
            dearest = by_price.pop()
            if dearest.next is not None:
                outcome.pauses.append(_pause(dearest, instant, Event.CHARGE))
    account.settled_until = at
    return outcome


def follow(account: Account, at: datetime, event: Event) -> Outcome:
    """Pauses and resumes the jobs of a settled account as the rule wants it after `event` at `at`."""
    outcome = Outcome(account)
    for job in account.jobs:
        _switch(outcome, job, at, event, runs=account.runs(job))
    return outcome


def switch(account: Account, job: Job, at: datetime, event: Event, *, runs: bool) -> Outcome:
    """Pauses or resumes one job of a settled account, whatever the rule says."""
    outcome = Outcome(account)
    _switch(outcome, job, at, event, runs=runs)
    return outcome


def begin(account: Account, job: Job, at: datetime) -> Outcome:
    """Gives a new subscription's job its first instant, and pauses it where the rule wants it so."""
    job.next = job.first_after(at)
    return follow(account, at, Event.CREATION)


def verify(account: Account) -> None:
    """Raises AccountBroken where a job stands off its place: no run would be billed once, or none that is due."""
    for job in account.jobs:
        if job.price < 1 or job.period < SECOND:
            fault = f"subscription {job.subscription_id} costs {job.price} every {job.period}"
            raise AccountBroken(account.customer_id, fault)
        if job.next is not None and job.next != (expected := job.first_after(account.settled_until)):
            raise AccountBroken(
                account.customer_id,
                f"the job of subscription {job.subscription_id} stands at {job.next} instead of {expected},"
                f" the first instant of its grid after {account.settled_until}",
            )


def _switch(outcome: Outcome, job: Job, at: datetime, event: Event, *, runs: bool) -> None:
    if runs and job.next is None:
        job.next = job.first_after(at)
        outcome.resumes.append(Resumed(job.subscription_id, job.next, at, event))
    elif not runs and job.next is not None:
        outcome.pauses.append(_pause(job, at, event))


def _pause(job: Job, at: datetime, event: Event) -> Paused:
    because = Pause.Reason.INSUFFICIENT_CREDIT if job.active else Pause.Reason.DEACTIVATED
    paused = Paused(job.subscription_id, job.next, at, because, event)
    job.next = None
    return paused
