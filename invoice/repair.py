"""Repairs an account: what `invoice.diagnosis` derives is written, in one transaction, and then proved."""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop
from django_apscheduler.models import DjangoJob

from customer import accounts, clock
from customer.accounts import Event
from customer.errors import AccountSetAside, CustomerError
from customer.models import Account, Customer
from invoice import billing, diagnosis, jobs
from invoice.checks import report, words
from invoice.checks.database import snapshot
from invoice.checks.faults import Fault
from invoice.diagnosis import Diagnosis
from subscription.models import Pause, Subscription
from subscription_task.formats.sentences import sentence

logger = logging.getLogger(__name__)

REPAIRED = sentence(gettext_noop("Repaired."))
HINDERED = sentence(gettext_noop("It cannot be repaired before this is mended by hand:"))


class Unrepaired(CustomerError):
    """Something is wrong with the account that the rest of its books does not put right; nothing has been changed."""

    def __init__(self, found: Diagnosis) -> None:
        super().__init__(" ".join([str(HINDERED), *map(str, found.remains)]))
        self.found = found


def preview(*, customer_id: int) -> Diagnosis:
    """What a repair would do now. Only reads. Raises Customer.DoesNotExist."""
    with snapshot():
        return diagnosis.of_account(customer_id)


def repair(*, customer_id: int, by: Customer | None) -> Diagnosis:
    """Repairs an account, and opens it if it was set aside: all of it in one transaction, or nothing.

    What it has due is then billed, and its jobs follow the rule, as with any event. What was done is returned. Raises
    Unrepaired, Customer.DoesNotExist.
    """
    try:
        with transaction.atomic():
            return _repair(customer_id, by)
    except billing.DAMAGE as error:
        message = words.NOT_WRITTEN % {"error": error}
        fault = Fault(code="not_derivable", account=customer_id, message=" ".join(message.split()))
        raise Unrepaired(replace(preview(customer_id=customer_id), needed=True, remains=[fault])) from error


def _repair(customer_id: int, by: Customer | None) -> Diagnosis:
    list(Account.objects.select_for_update(no_key=True).filter(pk=customer_id).values_list("pk"))
    found = diagnosis.of_account(customer_id)
    if found.remains:
        raise Unrepaired(found)
    if found.needed:
        _write(found, by)
        accounts.retry(customer_id=customer_id)
        if wrong := _go_through_the_door(customer_id, by) or report.of_account(customer_id):
            raise Unrepaired(replace(found, remains=wrong))
        logger.warning("Account %d is repaired: %s", customer_id, " ".join(found.steps) or "nothing was wrong.")
    return found


def _go_through_the_door(customer_id: int, by: Customer | None) -> list[Fault]:
    """Bills what is due, and has the jobs follow the rule; returns what hinders that."""
    try:
        with accounts.door(customer_id, event=Event.REPAIR, by=by):
            return []
    except AccountSetAside as refusal:
        return [Fault(code="account_broken", account=customer_id, message=str(refusal.__cause__))]


def _write(found: Diagnosis, by: Customer | None) -> None:
    if found.columns:
        Account.objects.filter(pk=found.customer_id).update(**found.columns)
    at = max(clock.now(), Account.objects.get(pk=found.customer_id).settled_until)
    for subscription_id, next_run_time in found.jobs.items():
        if subscription_id in found.added:
            jobs.add(Subscription.objects.get(pk=subscription_id), next_run_time=next_run_time)
        else:
            DjangoJob.objects.filter(pk=str(subscription_id)).update(next_run_time=next_run_time)
    for subscription_id, restored_from in found.resumed.items():
        _resume(subscription_id, restored_from, at, by)
    Pause.objects.bulk_create(
        Pause(
            subscription_id=subscription_id,
            withheld_from=withheld_from,
            paused_at=at,
            paused_because=because,
            paused_on=Event.REPAIR,
            paused_by=by,
        )
        for subscription_id, (withheld_from, because) in found.paused.items()
    )


def _resume(subscription_id: int, restored_from: datetime, at: datetime, by: Customer | None) -> None:
    pause = Pause.objects.get(subscription_id=subscription_id, restored_from=None)
    pause.restored_from = restored_from
    pause.resumed_at = max(at, pause.paused_at)
    pause.resumed_on = Event.REPAIR
    pause.resumed_by = by
    pause.save()
