"""What one account comes to if nobody does anything, but perhaps one act now: exactly what billing then does.

It only reads. Money is in the smallest unit, times are UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from customer import clock
from customer.accounts import MAX_DEPOSITED, Event
from customer.errors import AccountBroken, AccountSetAside, CreditTooLow, DepositLimit
from customer.models import Account
from invoice import ahead, billing, instants, plan
from subscription.models import Pause, Subscription

DAYS = 365
"""How far ahead people are told of, unless they say."""
FIRST = 10
"""How many of the coming invoices are told one by one."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """An account as it stands at `at`, with the names of its subscriptions."""

    at: datetime
    account: plan.Account
    deposited: int
    names: dict[int, str]


@dataclass(frozen=True, kw_only=True)
class Coming:
    """An invoice that is to come."""

    subscription_id: int
    amount: int
    start_time: datetime
    end_time: datetime


@dataclass(frozen=True, kw_only=True)
class Stop:
    """At `at` the job of a subscription pauses; `withheld_from` is its first instant that is not billed."""

    subscription_id: int
    name: str
    at: datetime
    withheld_from: datetime
    because: Pause.Reason


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """The job of a subscription goes on, and its next invoice comes at `restored_from`."""

    subscription_id: int
    name: str
    restored_from: datetime


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """A subscription right after the act, and its invoices from then on."""

    subscription_id: int
    name: str
    price: int
    next_invoice_at: datetime | None
    invoices: int
    amount: int


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is due now and billed before anything else, what an act does then, and what comes from then on.

    `stored` is the credit as it stands in the books, `credit` what it is right after the act, `left` at `until`.
    """

    at: datetime
    until: datetime
    stored: int
    due_invoices: int
    due_amount: int
    due_pauses: list[Stop]
    credit: int
    paused: list[Stop]
    """By the act; also one that is created paused."""
    resumed: list[Resumption]
    """By the act."""
    prospects: list[Prospect]
    """Of all subscriptions, by id."""
    first: list[Coming]
    """The first invoices after `at`, in their order."""
    pauses: list[Stop]
    """Those for want of credit after `at`, in their order."""
    left: int

    @property
    def invoices(self) -> int:
        """How many come after `at`, up to `until`."""
        return sum(prospect.invoices for prospect in self.prospects)

    @property
    def amount(self) -> int:
        return sum(prospect.amount for prospect in self.prospects)

    @property
    def runs_out_at(self) -> datetime | None:
        """When the first job pauses for want of credit; None where none does up to `until`."""
        return self.pauses[0].at if self.pauses else None


Change = Callable[[plan.Changes, plan.Account, int], None]
"""What an act does to a settled account at an instant, before the jobs follow the rule."""


def of_customer(*, customer_id: int, extra: int = 0, days: int = DAYS, first: int = FIRST) -> Outlook:
    """What comes in so many days, if `extra` is put in now; its first invoices one by one.

    Raises DepositLimit, AccountSetAside, Account.DoesNotExist.
    """
    position = read(customer_id=customer_id)
    if not extra:
        return look(position, days=days, first=first)
    return look(position, event=Event.TOP_UP, change=put_in(position, extra), days=days, first=first)


def read(*, customer_id: int) -> Position:
    """The account as it stands. Raises AccountSetAside, also where it would be, and Account.DoesNotExist."""
    deposited, set_aside = Account.objects.values_list("deposited", "set_aside").get(pk=customer_id)
    if set_aside:
        raise AccountSetAside
    try:
        (account,) = billing.read([customer_id], strict=True)
        at = max(clock.now(), instants.time(account.settled_until))
    except (*billing.DAMAGE, AccountBroken) as broken:
        raise AccountSetAside from broken
    names = dict(Subscription.objects.filter(customer=customer_id).values_list("pk", "name"))
    return Position(at=at, account=account, deposited=deposited, names=names)


def put_in(position: Position, amount: int) -> Change:
    """A top-up of `amount` or, below 0, an adjustment. Raises DepositLimit; the change raises CreditTooLow."""
    if position.deposited + max(amount, 0) > MAX_DEPOSITED:
        raise DepositLimit

    def change(_: plan.Changes, account: plan.Account, at: int) -> None:
        if account.credit + amount < 0:
            raise CreditTooLow
        account.credit += amount

    return change


def look(
    position: Position,
    *,
    event: Event | None = None,
    change: Change | None = None,
    days: int = DAYS,
    first: int = FIRST,
) -> Outlook:
    """What comes in so many days if `event` happens now, and makes `change`. The position stays as it is.

    Raises AccountSetAside, and what the change raises.
    """
    names, acted = position.names, plan.Changes()
    account = replace(position.account, jobs=[replace(job) for job in position.account.jobs])
    at, until = instants.of(position.at), instants.of(position.at + timedelta(days=days))
    try:
        due = ahead.bill(account, at, first=0)
        if event and change:
            change(acted, account, at)
            plan.follow(acted, account, at, event)
        after = {job.subscription_id: job.next for job in account.jobs}
        credit = account.credit
        coming = ahead.bill(account, until, first=first)
    except AccountBroken as broken:
        raise AccountSetAside from broken
    return Outlook(
        at=position.at,
        until=instants.time(until),
        stored=position.account.credit,
        due_invoices=due.count,
        due_amount=due.amount,
        due_pauses=_stops(due.pauses, names),
        credit=credit,
        paused=_stops(acted.pauses, names),
        resumed=[
            Resumption(
                subscription_id=resumed.subscription_id,
                name=names.get(resumed.subscription_id, ""),
                restored_from=instants.time(resumed.restored_from),
            )
            for resumed in acted.resumes
        ],
        prospects=[
            Prospect(
                subscription_id=job.subscription_id,
                name=names.get(job.subscription_id, ""),
                price=job.price,
                next_invoice_at=_time(after[job.subscription_id]),
                invoices=coming.invoices[job.subscription_id],
                amount=coming.amounts[job.subscription_id],
            )
            for job in sorted(account.jobs, key=lambda job: job.subscription_id)
        ],
        first=[
            Coming(
                subscription_id=charge.subscription_id,
                amount=charge.amount,
                start_time=instants.time(charge.start),
                end_time=instants.time(charge.end),
            )
            for charge in coming.first
        ],
        pauses=_stops(coming.pauses, names),
        left=account.credit,
    )


def _stops(pauses: list[plan.Paused], names: dict[int, str]) -> list[Stop]:
    return [
        Stop(
            subscription_id=paused.subscription_id,
            name=names.get(paused.subscription_id, ""),
            at=instants.time(paused.at),
            withheld_from=instants.time(paused.withheld_from),
            because=paused.because,
        )
        for paused in pauses
    ]


def _time(instant: int | None) -> datetime | None:
    return None if instant is None else instants.time(instant)
