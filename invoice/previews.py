"""What an act would do to an account, before it is done: exactly that, computed by the planner. Only reads.

Each raises what the act would: AccountSetAside, Account.DoesNotExist and what its own docstring names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customer.accounts import Event
from invoice import outlook, plan
from invoice.instants import SECOND
from invoice.outlook import Change, Outlook, Position, Resumption, Stop
from subscription.errors import NoSuchSubscription, TooManySubscriptions
from subscription.models import Pause
from subscription.subscriptions import MOST_PER_CUSTOMER
from subscription_task.formats import letters, times
from subscription_task.formats.numbers import money, number

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

    def change(changes: plan.Changes, account: plan.Account, at: int) -> None:
        _job(account, subscription_id).active = isactive

    return _preview(position, Event.ACTIVATION if isactive else Event.DEACTIVATION, change)


def change_price(*, customer_id: int, subscription_id: int, price: int) -> Preview:
    """A new price ≥ 1. Raises NoSuchSubscription."""
    position = outlook.read(customer_id=customer_id)

    def change(changes: plan.Changes, account: plan.Account, at: int) -> None:
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
    yield from _some(
        _("%(subscription)s pauses by that: the credit does not cover it.") % {"subscription": named(stop)}
        for stop in act.due_pauses
    )
    if act.credit != nothing.credit:
        yield _("The credit becomes %(credit)s, from %(before)s.") % {
            "credit": money(act.credit),
            "before": money(nothing.credit),
        }
    else:
        yield _("The credit stays %(credit)s.") % {"credit": money(act.credit)}
    yield from _some(_paused(stop, created) for stop in act.paused)
    yield from _some(
        _("%(subscription)s goes on: its next invoice comes at %(time)s.")
        % {"subscription": named(resumed), "time": times.text(resumed.restored_from)}
        for resumed in act.resumed
    )
    for prospect in act.prospects:
        if prospect.subscription_id == created and prospect.next_invoice_at:
            yield _("Its first invoice comes at %(time)s.") % {"time": times.text(prospect.next_invoice_at)}
    yield lasts(act)
    if (act.runs_out_at, runs(act)) != (nothing.runs_out_at, runs(nothing)):
        without = lasts(nothing)
        yield _("Without this, %(sentence)s") % {"sentence": f"{without[0].lower()}{without[1:]}"}


def _paused(stop: Stop, created: int | None) -> str:
    because = str(Pause.Reason(stop.because).label).lower()
    if stop.subscription_id == created:
        return _("It starts paused: %(because)s.") % {"because": because}
    return _("%(subscription)s pauses: %(because)s.") % {"subscription": named(stop), "because": because}


def _some(lines: Iterable[str]) -> Iterator[str]:
    every = list(lines)
    yield from every[:SHOWN]
    if len(every) > SHOWN:
        yield _("So do %(count)s more.") % {"count": number(len(every) - SHOWN)}


def runs(found: Outlook) -> bool:
    """Whether anything runs."""
    return any(prospect.next_invoice_at for prospect in found.prospects)


def named(subscription: Stop | Resumption) -> str:
    return letters.with_id(subscription.name, subscription.subscription_id)


def due(found: Outlook) -> str:
    """What is due and not billed yet, if anything, where nobody does anything."""
    if not found.due_invoices:
        return ""
    return ngettext(
        "What is due is billed first: %(count)s invoice over %(amount)s. That leaves a credit of %(credit)s.",
        "What is due is billed first: %(count)s invoices over %(amount)s. That leaves a credit of %(credit)s.",
        found.due_invoices,
    ) % {"count": number(found.due_invoices), "amount": money(found.due_amount), "credit": money(found.credit)}


def lasts(found: Outlook) -> str:
    """How long the credit lasts."""
    if not runs(found):
        return _("Nothing runs, so nothing is billed.")
    if not found.pauses:
        return _("The credit lasts for more than %(span)s.") % {"span": times.span(found.until - found.at)}
    first = found.pauses[0]
    return _("The credit lasts until %(time)s (%(span)s); %(subscription)s pauses first.") % {
        "time": times.text(first.at),
        "span": times.span(first.at - found.at),
        "subscription": named(first),
    }
