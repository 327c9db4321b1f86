"""What an act would do to an account, before it is done: exactly that, computed by the planner. Only reads.

Each raises what the act would: AccountSetAside, Account.DoesNotExist and what its own docstring names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from unicodedata import bidirectional

from django.conf import settings

from customer.accounts import Event
from invoice import outlook, plan
from invoice.checks.faults import counted
from invoice.instants import SECOND
from invoice.outlook import Change, Outlook, Position, Resumption, Stop
from subscription.errors import NoSuchSubscription, TooManySubscriptions
from subscription.models import Pause
from subscription.subscriptions import MOST_PER_CUSTOMER

SHOWN = 10
"""How many pauses and resumes are told one by one."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The account with the act and without it; `created` is the id that a new subscription has in `act`."""

    act: Outlook
    nothing: Outlook
    created: int | None = None

    def lines(self) -> list[str]:
        """For people."""
        return list(_lines(self))


def top_up(*, customer_id: int, amount: int) -> Preview:
    """A top-up of `amount` ≥ 1. Raises DepositLimit."""
    position = outlook.read(customer_id=customer_id)
    return _preview(position, Event.TOP_UP, outlook.put_in(position, amount))


def adjust(*, customer_id: int, amount: int) -> Preview:
    """An adjustment by `amount` ≠ 0. Raises CreditTooLow, DepositLimit."""
    position = outlook.read(customer_id=customer_id)
    return _preview(position, Event.ADJUSTMENT, outlook.put_in(position, amount))


def set_active(*, customer_id: int, subscription_id: int, isactive: bool) -> Preview:
    """An activation or a deactivation. Raises NoSuchSubscription."""
    position = outlook.read(customer_id=customer_id)

    def change(_: plan.Changes, account: plan.Account, at: int) -> None:
        _job(account, subscription_id).active = isactive

    return _preview(position, Event.ACTIVATION if isactive else Event.DEACTIVATION, change)


def change_price(*, customer_id: int, subscription_id: int, price: int) -> Preview:
    """A new price ≥ 1. Raises NoSuchSubscription."""
    position = outlook.read(customer_id=customer_id)

    def change(_: plan.Changes, account: plan.Account, at: int) -> None:
        _job(account, subscription_id).price = price

    return _preview(position, Event.PRICE_CHANGE, change)


def create(*, customer_id: int, name: str, price: int, isactive: bool) -> Preview:
    """A new subscription. Raises TooManySubscriptions."""
    position = outlook.read(customer_id=customer_id)
    if len(position.account.jobs) >= MOST_PER_CUSTOMER:
        raise TooManySubscriptions
    created = max(position.names, default=0) + 1  # behind all others at an instant, as its real id will be

    def change(changes: plan.Changes, account: plan.Account, at: int) -> None:
        grid = settings.INVOICE_PERIOD * SECOND, at - at % SECOND
        job = plan.Job(created, price, *grid, isactive, None)
        plan.begin(changes, account, job, at)
        account.jobs.append(job)

    named = replace(position, names={**position.names, created: name})
    return replace(_preview(named, Event.CREATION, change), created=created)


def _job(account: plan.Account, subscription_id: int) -> plan.Job:
    for job in account.jobs:
        if job.subscription_id == subscription_id:
            return job
    raise NoSuchSubscription


def _preview(position: Position, event: Event, change: Change) -> Preview:
    return Preview(act=outlook.look(position, event=event, change=change), nothing=outlook.look(position))


# --- for people -----------------------------------------------------------------------------------


def _lines(preview: Preview) -> Iterator[str]:
    act, nothing, created = preview.act, preview.nothing, preview.created
    if act.due_invoices:
        yield due(nothing)
    yield from _some(f"{named(stop)} pauses by that: the credit does not cover it." for stop in act.due_pauses)
    if act.credit != nothing.credit:
        yield f"The credit becomes {act.credit:,}, from {nothing.credit:,}."
    else:
        yield f"The credit stays {act.credit:,}."
    yield from _some(_paused(stop, created) for stop in act.paused)
    yield from _some(
        f"{named(resumed)} goes on: its next invoice comes at {when(resumed.restored_from)}." for resumed in act.resumed
    )
    for prospect in act.prospects:
        if prospect.subscription_id == created and prospect.next_invoice_at:
            yield f"Its first invoice comes at {when(prospect.next_invoice_at)}."
    yield lasts(act)
    if (act.runs_out_at, runs(act)) != (nothing.runs_out_at, runs(nothing)):
        without = lasts(nothing)
        yield f"Without this, {without[0].lower()}{without[1:]}"


def _paused(stop: Stop, created: int | None) -> str:
    because = Pause.Reason(stop.because).label.lower()
    if stop.subscription_id == created:
        return f"It starts paused: {because}."
    return f"{named(stop)} pauses: {because}."


def _some(lines: Iterable[str]) -> Iterator[str]:
    every = list(lines)
    yield from every[:SHOWN]
    if len(every) > SHOWN:
        yield f"So do {len(every) - SHOWN} more."


def runs(found: Outlook) -> bool:
    """Whether anything runs."""
    return any(prospect.next_invoice_at for prospect in found.prospects)


def named(subscription: Stop | Resumption) -> str:
    return label(subscription.name, subscription.subscription_id)


def label(name: str, subscription_id: int) -> str:
    """A subscription; a name that is written from right to left is kept from turning round what stands beside it."""
    if any(bidirectional(character) in ("R", "AL") for character in name):
        name = f"\u2068{name}\u2069"
    return f"{name} ({subscription_id})"


def when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def due(found: Outlook) -> str:
    """What is due and not billed yet, if anything, where nobody does anything."""
    if not found.due_invoices:
        return ""
    invoices = f"{counted(found.due_invoices, 'invoice')} over {found.due_amount:,}"
    return f"What is due is billed first: {invoices}. That leaves a credit of {found.credit:,}."


def lasts(found: Outlook) -> str:
    """How long the credit lasts."""
    if not runs(found):
        return "Nothing runs, so nothing is billed."
    if not found.pauses:
        return f"The credit lasts for more than {span(found.until - found.at)}."
    first = found.pauses[0]
    return f"The credit lasts until {when(first.at)} ({span(first.at - found.at)}); {named(first)} pauses first."


def span(length: timedelta) -> str:
    """How long that is, in its largest unit of which it holds two."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")
