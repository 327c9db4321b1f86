"""The contract's billing rules as a plain model: naive, slow, and without the service's code.

What really happened must equal what this says, for the same events at the same times. Money is in the smallest unit;
times are datetimes in UTC, periods timedeltas.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


class Refused(Exception):
    """The rules forbid it; nothing has changed."""


@dataclass
class Subscription:
    id: int
    created: datetime
    period: timedelta
    price: int
    active: bool
    next: datetime | None = None
    invoices: list = field(default_factory=list)
    pauses: list = field(default_factory=list)

    def first_instant_after(self, t: datetime) -> datetime:
        instant = self.created.replace(microsecond=0) + self.period
        while instant <= t:
            instant += self.period
        return instant

    def pause(self, t: datetime, event: str) -> None:
        because = "insufficient_credit" if self.active else "deactivated"
        self.pauses.append([self.next, t, because, event, None, None, ""])
        self.next = None

    def resume(self, t: datetime, event: str) -> None:
        self.next = self.first_instant_after(t)
        self.pauses[-1][4:] = [self.next, t, event]


@dataclass
class Account:
    """One customer's money and subscriptions. Every event is given its time, and first bills what is due by then."""

    t: datetime
    credit: int = 0
    ledger: list = field(default_factory=list)
    invoices: list = field(default_factory=list)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)

    def open(self, now: datetime) -> None:
        """An account's time never runs back; what is due by then is billed, oldest first."""
        self.t = max(self.t, now)
        while due := self.due(self.t):
            instant, _, subscription = min(due, key=lambda job: job[:2])
            if subscription.price <= self.credit:
                self.credit -= subscription.price
                subscription.next = instant + subscription.period
                invoice = (subscription.id, subscription.price, instant, subscription.next)
                self.invoices.append(invoice)
                subscription.invoices.append(invoice)
            for other in self.subscriptions.values():
                if other.next and other.price > self.credit:
                    other.pause(instant, "charge")

    def due(self, t: datetime) -> list[tuple[datetime, int, Subscription]]:
        return [(job.next, job.id, job) for job in self.subscriptions.values() if job.next and job.next <= t]

    def follow_the_rule(self, event: str) -> None:
        for subscription in self.subscriptions.values():
            runs = subscription.active and self.credit >= subscription.price
            if runs and not subscription.next:
                subscription.resume(self.t, event)
            elif subscription.next and not runs:
                subscription.pause(self.t, event)

    def enter(self, now: datetime, kind: str, amount: int) -> None:
        self.open(now)
        if self.credit + amount < 0:
            raise Refused
        self.credit += amount
        self.ledger.append((kind, amount, self.t))
        self.follow_the_rule(kind)

    def create(self, now: datetime, id: int, period: timedelta, price: int, active: bool) -> None:
        self.open(now)
        subscription = Subscription(id, self.t, period, price, active)
        subscription.next = subscription.first_instant_after(self.t)
        self.subscriptions[id] = subscription
        self.follow_the_rule("creation")

    def switch(self, now: datetime, id: int, active: bool) -> None:
        self.open(now)
        self.subscriptions[id].active = active
        self.follow_the_rule("activation" if active else "deactivation")

    def change_price(self, now: datetime, id: int, price: int) -> None:
        self.open(now)
        self.subscriptions[id].price = price
        self.follow_the_rule("price_change")

    def delete(self, now: datetime, id: int) -> None:
        self.open(now)
        if self.subscriptions[id].invoices:
            raise Refused
        del self.subscriptions[id]

    def run(self, now: datetime) -> None:
        """A scheduler has run at `now` until nothing was due."""
        if self.due(max(self.t, now)):
            self.open(now)
