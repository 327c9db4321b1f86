"""The customers of the invented provider: actors of the time machine, each with habits of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.conf import settings

from customer import accounts, clock, customers
from customer.models import Account, Customer
from operators.demo.cast import EXTRAS, METERED, NAMED_BY_THE_CUSTOMER, SERVERS, Product
from subscription import subscriptions
from subscription.models import Subscription

DAY = timedelta(days=1)
FRIDAY, MONDAY = 4, 0
ROUND = [figure * 10**power for power in range(3, 9) for figure in (10, 20, 25, 50)]
"""What people pay."""


@dataclass(frozen=True)
class Who:
    """A customer before there is one; one without a first name is a company."""

    username: str
    first_name: str = ""
    last_name: str = ""


@dataclass
class _Thing:
    """A subscription, and whether its customer wants it to run on most days."""

    row: Subscription
    product: Product
    on: bool = True


def regular(*, who: Who, joins: datetime, meters: datetime, random: Random) -> Iterator[datetime]:
    """The actor that is a customer for good: looks in each morning, pays when the credit is low or, if careless, when
    it is gone, orders more, and perhaps has its servers off at weekends. `meters` is when products by the minute come.
    """
    yield joins
    careless, office = random.random() < 0.25, not who.first_name and random.random() < 0.4
    lives_on = random.random() < 0.93
    customer = register(who, credit=random.choice([50_000, 100_000, 250_000]))
    things = [_order(customer, random.choice(SERVERS[: 3 if who.first_name else 5]))]
    things += [_order(customer, product) for product in random.sample(EXTRAS, random.randint(0, 3))]
    metered = random.random() < 0.25
    leaves = joins + random.uniform(20, 60) * DAY
    for morning in _mornings(joins, random):
        yield morning
        if not lives_on and morning > leaves:
            yield from _leave(things)
            return
        if office and morning.weekday() == MONDAY:
            yield from _switch(things, isactive=True, random=random)
        if random.random() < 0.02 and len(things) < 9:
            things.append(_order(customer, random.choice(SERVERS + EXTRAS)))
        if metered and morning > meters:
            metered = False
            yield morning + random.random() * timedelta(hours=2)
            things.append(_order(customer, random.choice(METERED)))
        _pay(customer, things, careless=careless, random=random)
        if office and morning.weekday() == FRIDAY:
            yield morning.replace(hour=17) + random.random() * timedelta(hours=2)
            yield from _switch(things, isactive=False, random=random)


def trial(*, who: Who, joins: datetime, credit: int, products: list[Product]) -> Iterator[datetime]:
    """The actor that is a customer who registers, orders, and never comes back."""
    yield joins
    customer = register(who, credit=credit)
    for product in products:
        _order(customer, product)


def trickster(*, who: Who, joins: datetime, begin: datetime, times: int) -> Iterator[datetime]:
    """The actor that is a customer who has found out that nothing is billed for an hour in which a server is off at
    its first instant: from `begin` on it is, so many `times`.
    """
    yield joins
    customer = register(who, credit=500_000)
    server = _order(customer, NAMED_BY_THE_CUSTOMER).row
    hours = (begin - joins) // timedelta(hours=1)
    for number in range(hours, hours + times):
        instant = server.created_at.replace(microsecond=0) + number * timedelta(hours=1)
        for moment, isactive in ((-40, False), (50, True)):
            yield instant + timedelta(seconds=moment)
            subscriptions.set_active(customer_id=customer.pk, subscription_id=server.pk, isactive=isactive, by=customer)


def register(who: Who, *, credit: int) -> Customer:
    """A customer who registers now, and cannot log in."""
    named = {"username": who.username, "first_name": who.first_name, "last_name": who.last_name}
    return customers.add(Customer(**named, password="!", date_joined=clock.now()), credit=credit)


@contextmanager
def _period(seconds: int) -> Iterator[None]:
    """In here new subscriptions have this period."""
    outside, settings.INVOICE_PERIOD = settings.INVOICE_PERIOD, seconds
    try:
        yield
    finally:
        settings.INVOICE_PERIOD = outside


def _order(customer: Customer, product: Product) -> _Thing:
    ordered = {"name": product.name, "price": product.price, "isactive": True}
    with _period(product.period):
        return _Thing(subscriptions.create(customer=customer, by=customer, **ordered), product)


def _mornings(joins: datetime, random: Random) -> Iterator[datetime]:
    midnight = joins.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        midnight += DAY
        yield midnight + random.uniform(6.5, 10.5) * timedelta(hours=1)


def _switch(things: list[_Thing], *, isactive: bool, random: Random) -> Iterator[datetime]:
    """Switches the servers one after the other, some seconds apart."""
    for thing in things:
        if thing.product in SERVERS and thing.on != isactive:
            yield clock.now() + random.uniform(2, 9) * timedelta(seconds=1)
            _set_active(thing, isactive=isactive)


def _leave(things: list[_Thing]) -> Iterator[datetime]:
    for thing in things:
        yield clock.now() + timedelta(seconds=5)
        _set_active(thing, isactive=False)


def _set_active(thing: _Thing, *, isactive: bool) -> None:
    row, thing.on = thing.row, isactive
    subscriptions.set_active(customer_id=row.customer_id, subscription_id=row.pk, isactive=isactive, by=row.customer)


def _pay(customer: Customer, things: list[_Thing], *, careless: bool, random: Random) -> None:
    """Tops up by a round sum for some weeks, where it is time to."""
    per_day = sum(thing.product.price * 86_400 // thing.product.period for thing in things if thing.on)
    credit = Account.objects.values_list("credit", flat=True).get(pk=customer.pk)
    if careless:
        dearest = max(thing.product.price for thing in things)
        wants = credit < dearest and random.random() < 0.6
    else:
        wants = credit < random.uniform(2, 4) * per_day
    if wants and per_day:
        weeks = per_day * (random.uniform(4, 9) if careless else random.uniform(12, 25))
        amount = next(figure for figure in ROUND if figure >= weeks)
        accounts.top_up(customer_id=customer.pk, amount=amount, by=customer)
