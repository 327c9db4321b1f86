"""What billing needs of the operator's own data, read in one snapshot and written to the scratch database.

Invoices and ledger stay behind. So that the checks can prove what comes after, each account begins with a ledger entry
of what it holds, and each grid with a pause up to where billing has arrived.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Model
from django_apscheduler.models import DjangoJob

from customer import clock
from customer.accounts import Event
from customer.models import Account, Customer, LedgerEntry, SetAside
from invoice.billing import DAMAGE
from invoice.checks.database import snapshot
from invoice.simulation.forecast import NoForecast
from subscription.models import Pause, Subscription, anchor


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Billing's state at `at`: rows, table by table, without those of accounts that are set aside."""

    at: datetime
    tables: list[Sequence[Model]]
    set_aside: list[tuple[int, str, str]]
    """The accounts that are: each customer's id and name, and the error."""


def read() -> Copy:
    """Reads this thread's database, in one snapshot. Raises NoForecast."""
    with _damage_told(), snapshot():
        at = clock.now()
        customers = Customer.objects.filter(account__set_aside=None).values_list("pk", "username")
        accounts = list(Account.objects.filter(set_aside=None).values_list("pk", "credit", "settled_until"))
        subscriptions = Subscription.objects.filter(customer__account__set_aside=None)
        next_runs = dict(subscriptions.with_job().values_list("pk", "next_invoice_at"))
        pauses = list(Pause.objects.filter(restored_from=None, subscription__in=subscriptions))
        stops = {pause.subscription_id: pause.withheld_from for pause in pauses}
        stops |= {pk: next_run for pk, next_run in next_runs.items() if next_run}
        for pause in pauses:
            pause.paused_by = None  # perhaps a customer who is not copied
        return Copy(
            at=at,
            tables=[
                # Without the password's hash, which is nobody's business here.
                [Customer(pk=pk, username=name, password="!", date_joined=at) for pk, name in customers],
                [Account(pk=pk, credit=credit, deposited=credit, settled_until=t) for pk, credit, t in accounts],
                [
                    LedgerEntry(account_id=pk, kind="adjustment", amount=credit, at=at)
                    for pk, credit, _ in accounts
                    if credit
                ],
                list(subscriptions),
                [DjangoJob(pk=str(pk), next_run_time=next_run) for pk, next_run in next_runs.items()],
                pauses,
                list(_pasts(subscriptions, stops)),
            ],
            set_aside=list(SetAside.objects.order_by("pk").values_list("pk", "account__customer__username", "error")),
        )


def write(copy: Copy) -> None:
    """Inserts a copy into the scratch database. Raises NoForecast."""
    with _damage_told(), transaction.atomic():
        for rows in copy.tables:
            if rows:
                type(rows[0])._base_manager.bulk_create(rows)


def _pasts(subscriptions: Sequence[Subscription], stops: dict[int, datetime]) -> Iterator[Pause]:
    """For each subscription a pause that stands for all that was before the copy."""
    for subscription in subscriptions:
        first = anchor(subscription.created_at) + timedelta(seconds=subscription.period)
        stop = stops.get(subscription.pk, first)
        if stop > first:
            yield Pause(
                subscription=subscription,
                withheld_from=first,
                paused_at=subscription.created_at,
                paused_because=Pause.Reason.DEACTIVATED,
                paused_on=Event.DEACTIVATION,
                restored_from=stop,
                resumed_at=subscription.created_at,
                resumed_on=Event.ACTIVATION,
            )


@contextmanager
def _damage_told() -> Iterator[None]:
    """Errors in here lie in the rows. Raises NoForecast."""
    try:
        yield
    except (*DAMAGE, AttributeError, TypeError) as error:
        raise NoForecast(f"The data contradict themselves ({error}): see what check_billing says.") from error
