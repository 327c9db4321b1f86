"""The rule of billing, and nothing else: no database, no clock.

A job runs if and only if its subscription is active and its account's credit covers its price. Amounts are integers in
the smallest unit of money; instants and periods are whole microseconds (see invoice.instants).
"""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from operator import attrgetter
from typing import NamedTuple

from customer.accounts import Event
from customer.errors import AccountBroken
from invoice import instants
from invoice.instants import SECOND
from subscription.models import Pause

by_price = attrgetter("price")


@dataclass(slots=True)
class Job:
    """A subscription as billing sees it. `next` is the job's next instant: None while it is paused."""

    subscription_id: int
    price: int
    period: int
    anchor: int
    active: bool
    next: int | None

    def first_after(self, at: int) -> int:
        """The first instant of the grid after `at`."""
        return self.anchor + max((at - self.anchor) // self.period + 1, 1) * self.period


@dataclass(slots=True)
class Account:
    """A locked account with all its jobs. Planning moves it on in place; writing makes that true."""

    customer_id: int
    credit: int
    settled_until: int
    jobs: list[Job]

    def runs(self, job: Job) -> bool:
        """The rule."""
        return job.active and job.price <= self.credit


class Charge(NamedTuple):
    """An invoice to be written."""

    customer_id: int
    subscription_id: int
    amount: int
    start: int
    end: int


class Charged(NamedTuple):
    """What an account is charged in all, for how many invoices, and the instant up to which it is then settled."""

    customer_id: int
    amount: int
    invoices: int
    settled_until: int


class Paused(NamedTuple):
    """A job that stops at `at`; `withheld_from` is its first instant that is not billed."""

    subscription_id: int
    withheld_from: int
    at: int
    because: Pause.Reason
    event: Event


class Resumed(NamedTuple):
    """A job that goes on at `at`; `restored_from` is its first instant that will be billed."""

    subscription_id: int
    restored_from: int
    at: int
    event: Event


@dataclass(slots=True)
class Changes:
    """What is to be written, of any number of accounts. `moved` has the next instant of each job that has another."""

    charges: list[Charge] = field(default_factory=list)
    charged: list[Charged] = field(default_factory=list)
    moved: dict[int, int | None] = field(default_factory=dict)
    pauses: list[Paused] = field(default_factory=list)
    resumes: list[Resumed] = field(default_factory=list)

    def pause(self, job: Job, at: int, event: Event) -> None:
        because = Pause.Reason.INSUFFICIENT_CREDIT if job.active else Pause.Reason.DEACTIVATED
        self.pauses.append(Paused(job.subscription_id, job.next, at, because, event))
        self.moved[job.subscription_id] = job.next = None

    def resume(self, job: Job, at: int, event: Event) -> None:
        self.moved[job.subscription_id] = job.next = job.first_after(at)
        self.resumes.append(Resumed(job.subscription_id, job.next, at, event))


def settle(changes: Changes, account: Account, at: int, most: int) -> bool:
    """Bills what is due at `at`, in order of (instant, subscription): about `most` charges, whole instants at a time.

    Each is charged if the credit covers it; after each, every job that costs more than what is left is paused as of
    that instant. False where more is due than `most`. Raises AccountBroken, before it changes anything.
    """
    running = running_jobs(account)
    due = [(job.next, job.subscription_id, job) for job in running if job.next <= at]
    heapify(due)
    running.sort(key=by_price)
    before, first, settled = account.credit, len(changes.charges), True
    instant = account.settled_until
    while due:
        if due[0][0] > instant and len(changes.charges) - first >= most:
            at, settled = due[0][0] - 1, False
            break
        instant, subscription_id, job = due[0]
        if job.next is None:  # paused by an earlier charge
            heappop(due)
            continue
        if account.runs(job):
            account.credit -= job.price
            changes.moved[subscription_id] = job.next = instant + job.period
            changes.charges.append(Charge(account.customer_id, subscription_id, job.price, instant, job.next))
        else:
            changes.pause(job, instant, Event.CHARGE)
        while running and running[-1].price > account.credit:
            if (dearest := running.pop()).next is not None:
                changes.pause(dearest, instant, Event.CHARGE)
        if job.next is not None and job.next <= at:
            heapreplace(due, (job.next, subscription_id, job))
        else:
            heappop(due)
    charged = Charged(account.customer_id, before - account.credit, len(changes.charges) - first, at)
    changes.charged.append(charged)
    account.settled_until = at
    return settled


def follow(changes: Changes, account: Account, at: int, event: Event) -> None:
    """Pauses and resumes the jobs of a settled account as the rule wants it after `event` at `at`."""
    for job in account.jobs:
        switch(changes, job, at, event, runs=account.runs(job))


def switch(changes: Changes, job: Job, at: int, event: Event, *, runs: bool) -> None:
    """Pauses or resumes one job of a settled account, whatever the rule says."""
    if runs and job.next is None:
        changes.resume(job, at, event)
    elif not runs and job.next is not None:
        changes.pause(job, at, event)


def begin(changes: Changes, account: Account, job: Job, at: int) -> None:
    """Gives a new subscription's job its first instant, and pauses it where the rule wants it so."""
    job.next = job.first_after(at)
    switch(changes, job, at, Event.CREATION, runs=account.runs(job))


def running_jobs(account: Account) -> list[Job]:
    """The account's running jobs. Raises AccountBroken where one stands off its place: some run would not be billed
    once, or none that is due.
    """
    running = []
    for job in account.jobs:
        if job.price < 1 or job.period < SECOND:
            fault = f"subscription {job.subscription_id} costs {job.price} every {job.period // SECOND} s"
            raise AccountBroken(account.customer_id, fault)
        if job.next is None:
            continue
        if job.next != (expected := job.first_after(account.settled_until)):
            raise AccountBroken(
                account.customer_id,
                f"the job of subscription {job.subscription_id} stands at {instants.text(job.next)} instead of"
                f" {instants.text(expected)}, the first instant of its grid after"
                f" {instants.text(account.settled_until)}",
            )
        running.append(job)
    return running
