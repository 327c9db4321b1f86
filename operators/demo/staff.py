"""The invented provider's operators, and what they did in three months."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django_apscheduler.models import DjangoJob

from customer import admin as customer_admin
from customer import clock, customers
from customer.admin_log import with_origin
from customer.models import Account, Customer
from invoice import billing
from operators.demo.cast import ADJUSTMENTS, RISES
from subscription import admin as subscription_admin
from subscription.models import Subscription

GROUPS = {"operator": "billing operator", "viewer": "billing viewer", "admin": None}
"""Who may log in, and the group that says what they may do; without one they are a superuser."""
OFFICE = "192.0.2.17"
"""An address of no network."""


def hire(password: str) -> Customer:
    """Makes the operators, with one password for all, and returns the one that acts."""
    hashed = make_password(password)
    for username, group in GROUPS.items():
        member = Customer(username=username, password=hashed, date_joined=clock.now(), is_staff=True)
        member.is_superuser = group is None
        customers.add(member)
        member.groups.set(Group.objects.filter(name=group))
    return Customer.objects.get(username="operator")


def operator(*, by: Customer, begin: datetime, end: datetime, random: Random) -> Iterator[datetime]:
    """The actor that is the operator: adjusts a credit now and then, and raises prices once in the middle."""
    last = end - timedelta(hours=3)
    moments = sorted(begin + random.uniform(0.15, 1) * (last - begin) for _ in ADJUSTMENTS)
    rise = begin + 0.6 * (end - begin)
    acts = [(moment, _adjust, adjustment) for moment, adjustment in zip(moments, ADJUSTMENTS, strict=True)]
    acts += [(rise + number * timedelta(minutes=20), _raise, rises) for number, rises in enumerate(RISES)]
    for moment, act, what in sorted(acts, key=lambda one: one[0]):
        yield moment
        act(by, *what, random=random)


def mishap(*, username: str, at: datetime) -> Iterator[datetime]:
    """The actor that moves a job by hand, in the database, to hours that were billed: the next pass finds that out,
    and sets the account aside.
    """
    yield at
    newest = Subscription.objects.filter(customer__username=username, isactive=True).with_job().order_by("pk").last()
    moved = newest.next_invoice_at - timedelta(seconds=3 * newest.period)
    DjangoJob.objects.filter(pk=str(newest.pk)).update(next_run_time=moved)
    bill()


def bill() -> None:
    """As many passes as there is work for."""
    while (due := billing.next_due()) and due <= clock.now():
        billing.run_pass()


def _adjust(by: Customer, amount: int, reason: str, *, random: Random) -> None:
    subjects = Account.objects.filter(credit__gt=max(-amount, 0), invoice_count__gt=0).order_by("pk")
    customer = random.choice(list(subjects.select_related("customer"))).customer
    _log(by, *customer_admin.adjust(customer, amount=amount, reason=reason, by=by), reason)


def _raise(by: Customer, product: str, price: int, reason: str, *, random: Random) -> None:
    for subscription in Subscription.objects.filter(name=product, isactive=True).order_by("pk"):
        _log(by, *subscription_admin.change_price(subscription, price=price, reason=reason, by=by), reason)


def _log(by: Customer, subject: Model, done: str, reason: str) -> None:
    """What the admin would have written then."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = OFFICE
    LogEntry.objects.create(
        action_time=clock.now(),
        user=by,
        content_type=ContentType.objects.get_for_model(subject),
        object_id=str(subject.pk),
        object_repr=str(subject)[:200],
        action_flag=CHANGE,
        change_message=with_origin(request, done, reason),
    )
