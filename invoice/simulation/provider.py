"""An invented provider: customers who register, pay, subscribe and switch at random, the same for the same seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from django.conf import settings

from customer import accounts, clock, customers
from customer.models import Customer
from subscription import subscriptions

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
"""When an invented provider opens."""
DEAREST = 500
"""The highest price of an invented subscription."""


def customer(*, number: int, seed: int, end: datetime) -> Iterator[datetime]:
    """The actor that is the customer of that number: registers within the first day, with credit for a third of the
    time up to one and a half; then tops up and switches subscriptions now and then.
    """
    random = Random(f"{seed}/{number}")
    yield EPOCH + random.random() * timedelta(days=1)
    joined = clock.now()
    prices = [random.randint(1, DEAREST) for _ in range(random.randint(1, 4))]
    cost = sum(prices) * ((end - joined) // timedelta(seconds=settings.INVOICE_PERIOD) + 1)
    # A password that is none, and joined by the virtual clock: hashes and the real time differ from run to run.
    who = customers.add(
        Customer(username=f"customer{number}", password="!", date_joined=joined),
        credit=int(cost * random.uniform(0.33, 1.5)),
    )
    things = [
        subscriptions.create(customer=who, name=f"thing {place}", price=price, isactive=True, by=who)
        for place, price in enumerate(prices, start=1)
    ]
    for moment in sorted(random.random() for _ in range(random.randint(0, 6))):
        yield joined + moment * (end - joined)
        if random.random() < 0.5:
            accounts.top_up(customer_id=who.pk, amount=1 + int(cost * random.uniform(0, 0.3)), by=who)
        else:
            place = random.randrange(len(things))
            things[place] = subscriptions.set_active(
                customer_id=who.pk, subscription_id=things[place].pk, isactive=not things[place].isactive, by=who
            )
