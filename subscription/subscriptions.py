"""Creating, (de)activating, repricing and deleting subscriptions, each through the door of its account.

Prices are integers in the smallest unit of money.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.db.models import ProtectedError
from django.utils.translation import gettext_lazy as _

from customer import accounts
from customer.accounts import Event
from customer.errors import StillHasBooks
from customer.models import Customer, fold
from subscription.errors import NoSuchSubscription, TooManySubscriptions
from subscription.models import PriceChange, Subscription, SubscriptionQuerySet
from subscription.signals import subscription_created, subscription_deleted
from subscription_task.formats import letters

MOST_PER_CUSTOMER = 1000
MAX_ID = 2**63 - 1

# The ORM takes four times as long to write this statement.
SHOW = """
    SELECT subscription.*, job.next_run_time AS next_invoice_at
    FROM subscription_subscription subscription
    LEFT JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
    WHERE subscription.id = %s
"""


def create(*, customer: Customer, name: str, price: int, isactive: bool, by: Customer | None) -> Subscription:
    """A new subscription with its job, billed every INVOICE_PERIOD from now on for ever.

    Raises TooManySubscriptions, AccountSetAside.
    """
    with accounts.door(customer.pk, event=Event.CREATION, by=by) as opened:
        if Subscription.objects.of(customer).count() >= MOST_PER_CUSTOMER:
            raise TooManySubscriptions
        subscription = Subscription.objects.create(
            customer=customer,
            name=name,
            price=_whole(price),
            period=settings.INVOICE_PERIOD,
            isactive=isactive,
            created_at=opened.at,
        )
        subscription_created.send(Subscription, opened=opened, subscription=subscription)
    return _shown(subscription.pk)


def one_of(*, customer_id: int, subscription_id: int) -> Subscription:
    """The customer's subscription. Raises NoSuchSubscription."""
    found = _one(customer_id, subscription_id).with_next_invoice().first()
    if found is None:
        raise NoSuchSubscription
    return found


def find(*, customer_id: int, active: bool | None, paused: bool | None, name: str | None) -> SubscriptionQuerySet:
    """The customer's subscriptions, each with `next_invoice_at`; of what is None, all.

    Those switched on or off; those whose job is paused, or runs; those with `name` in theirs, whatever the case.
    """
    found = Subscription.objects.filter(customer_id=customer_id).with_next_invoice()
    if active is not None:
        found = found.filter(isactive=active)
    if paused is not None:
        found = found.filter(next_invoice_at__isnull=paused)
    if name is not None:
        # In Python, since SQLite's letters are ASCII; a customer has at most a thousand.
        sought, names = _alike(name), Subscription.objects.filter(customer_id=customer_id).values_list("pk", "name")
        found = found.filter(pk__in=[pk for pk, each in names if sought in _alike(each)])
    return found


def set_active(*, customer_id: int, subscription_id: int, isactive: bool, by: Customer | None) -> Subscription:
    """The customer's subscription, switched on or off. Raises NoSuchSubscription, AccountSetAside."""
    event = Event.ACTIVATION if isactive else Event.DEACTIVATION
    with accounts.door(customer_id, event=event, by=by):
        if not _one(customer_id, subscription_id).update(isactive=isactive):
            raise NoSuchSubscription
    return _shown(subscription_id)


def change_price(*, customer_id: int, subscription_id: int, price: int, by: Customer | None) -> Subscription:
    """The customer's subscription, at `price` ≥ 1 from now on. Raises NoSuchSubscription, AccountSetAside."""
    with accounts.door(customer_id, event=Event.PRICE_CHANGE, by=by) as opened:
        subscription = _find(customer_id, subscription_id)
        if subscription.price != _whole(price):
            PriceChange.objects.create(
                subscription=subscription, at=opened.at, previous=subscription.price, price=price, by=by
            )
            Subscription.objects.filter(pk=subscription_id).update(price=price)
    return _shown(subscription_id)


def delete(*, customer_id: int, subscription_id: int, by: Customer | None) -> None:
    """Deletes a subscription that was never billed, with its job and records.

    Raises NoSuchSubscription, StillHasBooks, AccountSetAside.
    """
    try:
        with accounts.door(customer_id, event=Event.DELETION, by=by) as opened:
            subscription = _find(customer_id, subscription_id)
            subscription_deleted.send(Subscription, opened=opened, subscription=subscription)
            subscription.pauses.all().delete()
            subscription.price_changes.all().delete()
            subscription.delete()
    except ProtectedError as error:
        raise StillHasBooks(_("A subscription with invoices stays; deactivate it instead.")) from error


def _alike(name: str) -> str:
    """The same for all that people take for the same name."""
    return letters.persian(fold(name))


def _whole(price: int) -> int:
    if type(price) is not int:
        raise TypeError(f"Money is a whole number in its smallest unit, not {price!r}.")
    return price


def _find(customer_id: int, subscription_id: int) -> Subscription:
    """The subscription, if it is this customer's. Raises NoSuchSubscription."""
    try:
        return _one(customer_id, subscription_id).get()
    except Subscription.DoesNotExist:
        raise NoSuchSubscription from None


def _one(customer_id: int, subscription_id: int) -> SubscriptionQuerySet:
    """The subscription, if it is this customer's. Raises NoSuchSubscription where no id is so large."""
    if subscription_id > MAX_ID:
        raise NoSuchSubscription
    return Subscription.objects.filter(pk=subscription_id, customer_id=customer_id)


def _shown(subscription_id: int) -> Subscription:
    (subscription,) = Subscription.objects.raw(SHOW, [subscription_id])
    if isinstance(subscription.next_invoice_at, str):  # SQLite's times are text
        subscription.next_invoice_at = datetime.fromisoformat(subscription.next_invoice_at).replace(tzinfo=UTC)
    return subscription
