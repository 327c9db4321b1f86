"""Random histories, lived by the service and by the model of the contract: the books must be the same, to the row.

HISTORIES in the environment says how many histories; `make nightly` takes many more.
"""

import os
import sys
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from django.db import transaction
from django_apscheduler.models import DjangoJob
from hypothesis import HealthCheck, note
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from customer import accounts, customers
from customer.accounts import Event
from customer.errors import CreditTooLow, StillHasBooks
from customer.models import Customer
from invoice import billing
from invoice.checks import report
from invoice.schedulers import Scheduler
from subscription import subscriptions
from tests import model
from tests.fixtures import FakeClock, process_jobs

HISTORIES = int(os.environ.get("HISTORIES", "56"))
SHARES = 4
STEPS = 40

amounts = st.integers(1, 600)
# A whole number, or a share of the credit: what one charge leaves decides whether the others go on.
prices = st.one_of(st.integers(1, 600), st.sampled_from([0.1, 0.3, 0.5, 0.51, 0.9, 1.0]))
periods = st.sampled_from([1, 2, 3, 7, 60, 600])
# Whole seconds meet the grid's instants; fractions fall between them.
moments = st.one_of(st.sampled_from([0, 0.25, 1, 2, 3, 60]), st.integers(0, 200), st.floats(0, 20))
credits = st.one_of(st.just(0), st.integers(0, 3000))
picks = st.integers(0, 11)
slices = st.sampled_from([1, 2, 3, 5000])


class Histories(RuleBasedStateMachine):
    """Customers, their subscriptions, a clock and a scheduler, in any order."""

    clock: FakeClock
    settings: Any

    def __init__(self) -> None:
        super().__init__()
        self.clock.at(0)
        self.models: dict[int, model.Account] = {}
        self.partial = False
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.drain()
                assert report.run(progress=lambda _: None).faults == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    # --- what customers and operators do ----------------------------------------------------------

    @initialize(credit=credits, orders=st.lists(st.tuples(prices, periods, moments), min_size=1, max_size=4))
    def begin(self, credit, orders):
        self.register(credit)
        for price, period, later in orders:
            self.create(0, price, period, True, later)

    @precondition(lambda self: len(self.models) < 3)
    @rule(credit=credits)
    def register(self, credit):
        name = f"customer{len(self.models)}"
        customer = customers.register(username=name, password="correct horse", credit=credit)
        account = model.Account(t=self.clock.time, credit=credit)
        if credit:
            account.ledger.append(("registration", credit, self.clock.time))
        self.models[customer.pk] = account
        self.compare(customer.pk)

    @rule(pick=picks, price=prices, period=periods, active=st.booleans(), later=moments)
    def create(self, pick, price, period, active, later):
        self.clock.advance(later)
        who = self.person(pick)
        self.settings.INVOICE_PERIOD = period
        price = self.amount(who, price)
        thing = subscriptions.create(
            customer=Customer.objects.get(pk=who), name="VM", price=price, isactive=active, by=None
        )
        self.models[who].create(self.clock.time, thing.pk, timedelta(seconds=period), price, active)
        self.compare(who)

    @rule(pick=picks, amount=amounts, most=slices, later=moments)
    def top_up(self, pick, amount, most, later):
        self.clock.advance(later)
        who = self.person(pick)
        with self.slices_of(most):
            credit = accounts.top_up(customer_id=who, amount=amount, by=None)
        self.models[who].enter(self.clock.time, "top_up", amount)
        assert credit == self.models[who].credit
        self.compare(who)

    @rule(pick=picks, amount=st.integers(-600, 600).filter(bool), later=moments)
    def adjust(self, pick, amount, later):
        self.clock.advance(later)
        who = self.person(pick)
        self.both(
            who,
            CreditTooLow,
            lambda: accounts.adjust(customer_id=who, amount=amount, by=None, reason="a test"),
            lambda account: account.enter(self.clock.time, "adjustment", amount),
        )

    @precondition(lambda self: self.things())
    @rule(pick=picks, active=st.booleans(), later=moments)
    def switch(self, pick, active, later):
        self.clock.advance(later)
        who, id = self.thing(pick)
        subscriptions.set_active(customer_id=who, subscription_id=id, isactive=active, by=None)
        self.models[who].switch(self.clock.time, id, active)
        self.compare(who)

    @precondition(lambda self: self.things())
    @rule(pick=picks, price=prices, most=slices, later=moments)
    def change_price(self, pick, price, most, later):
        self.clock.advance(later)
        who, id = self.thing(pick)
        price = self.amount(who, price)
        with self.slices_of(most):
            subscriptions.change_price(customer_id=who, subscription_id=id, price=price, by=None)
        self.models[who].change_price(self.clock.time, id, price)
        self.compare(who)

    @precondition(lambda self: self.things())
    @rule(pick=picks)
    def delete(self, pick):
        who, id = self.thing(pick)
        self.both(
            who,
            StillHasBooks,
            lambda: subscriptions.delete(customer_id=who, subscription_id=id, by=None),
            lambda account: account.delete(self.clock.time, id),
        )

    @precondition(lambda self: self.things())
    @rule(pick=picks, amount=amounts, later=moments)
    def several_in_one_transaction(self, pick, amount, later):
        """Off, a top-up, and on again behind one door: one instant, and each pause and resume on record."""
        self.clock.advance(later)
        who, id = self.thing(pick)
        with accounts.door(who, event=Event.ADJUSTMENT):
            subscriptions.set_active(customer_id=who, subscription_id=id, isactive=False, by=None)
            accounts.top_up(customer_id=who, amount=amount, by=None)
            subscriptions.set_active(customer_id=who, subscription_id=id, isactive=True, by=None)
        account = self.models[who]
        account.switch(self.clock.time, id, False)
        account.enter(self.clock.time, "top_up", amount)
        account.switch(self.clock.time, id, True)
        self.compare(who)

    def things(self):
        return [(who, id) for who, account in self.models.items() for id in account.subscriptions]

    def thing(self, pick):
        return self.things()[pick % len(self.things())]

    def person(self, pick):
        return list(self.models)[pick % len(self.models)]

    # --- time, and the scheduler ------------------------------------------------------------------

    @rule(pick=picks)
    def the_next_instant_strikes(self, pick):
        jobs = self.models[self.person(pick)].subscriptions.values()
        if instants := [job.next for job in jobs if job.next]:
            self.clock.time = max(self.clock.time, min(instants))
            self.drain()

    @rule(seconds=st.sampled_from([-3600, -30, -1, -0.5, 300]))
    def the_clock_steps(self, seconds):
        self.finish_partial_passes()
        self.clock.advance(seconds)

    @rule()
    def drain(self):
        """The scheduler runs until nothing is due, then everything is compared."""
        Scheduler.attach()  # as after a restart
        while (due := billing.next_due()) and due <= self.clock.time:
            process_jobs()
        things = {str(id) for account in self.models.values() for id in account.subscriptions}
        assert set(DjangoJob.objects.values_list("id", flat=True)) == things
        for who, account in self.models.items():
            account.run(self.clock.time)
            if self.partial:
                # Its last slice may have come at an earlier time, by which the model knows of no run.
                account.t = min(account.t, Customer.objects.get(pk=who).account.settled_until)
            self.compare(who)
        self.partial = False

    @rule(claim=st.integers(1, 3), most=slices, later=moments)
    def a_small_pass(self, claim, most, later):
        """A scheduler that comes no further than a slice."""
        self.clock.advance(later)
        before, billing.CLAIM = billing.CLAIM, claim
        with self.slices_of(most):
            process_jobs()
        billing.CLAIM = before
        self.partial = True

    def amount(self, who, price):
        return price if isinstance(price, int) else max(1, int(self.models[who].credit * price))

    # --- the comparison ---------------------------------------------------------------------------

    @contextmanager
    def slices_of(self, most):
        """Transactions of about `most` invoices."""
        before, billing.MOST = billing.MOST, most
        try:
            yield
        finally:
            billing.MOST = before

    def both(self, who, error, real, modelled):
        """Both do it, or both refuse, and a refused event has changed nothing."""
        self.finish_partial_passes()
        before = deepcopy(self.models[who])
        try:
            modelled(self.models[who])
        except model.Refused:
            self.models[who] = before
            with pytest.raises(error):
                real()
        else:
            real()
        self.compare(who)

    def finish_partial_passes(self):
        """A slice bills up to somewhere before the clock; the model knows no slices, so the rest comes first."""
        if self.partial:
            self.drain()

    def compare(self, who):
        assert self.real(who) == self.modelled(who)

    def real(self, who):
        account = Customer.objects.get(pk=who).account
        with suppress(AttributeError):
            note(account.set_aside.error)
        shown = account.customer.subscriptions.with_job().order_by("id")
        return {
            "t": account.settled_until,
            "credit": account.credit,
            "ledger": list(account.ledger.order_by("id").values_list("kind", "amount", "at")),
            "invoices": list(
                account.customer.invoices.order_by("id").values_list(
                    "subscription_id", "amount", "start_time", "end_time"
                )
            ),
            "count and sum": (account.invoice_count, account.invoice_total),
            "jobs": {thing.pk: (thing.price, thing.isactive, thing.next_invoice_at) for thing in shown},
            "pauses": {
                thing.pk: [
                    list(row)
                    for row in thing.pauses.order_by("id").values_list(
                        "withheld_from", "paused_at", "paused_because", "paused_on",
                        "restored_from", "resumed_at", "resumed_on",
                    )
                ]
                for thing in shown
            },
        }  # fmt: skip

    def modelled(self, who):
        account = self.models[who]
        things = account.subscriptions
        return {
            "t": account.t,
            "credit": account.credit,
            "ledger": account.ledger,
            "invoices": account.invoices,
            "count and sum": (len(account.invoices), sum(amount for _, amount, _, _ in account.invoices)),
            "jobs": {id: (things[id].price, things[id].active, things[id].next) for id in sorted(things)},
            "pauses": {id: things[id].pauses for id in sorted(things)},
        }


@pytest.mark.django_db
@pytest.mark.parametrize("share", range(SHARES))
def test_every_history_leaves_the_books_that_the_contract_says(share, fake_clock, settings):
    Histories.clock, Histories.settings = fake_clock, settings
    run_state_machine_as_test(
        Histories,
        settings=hypothesis_settings(
            max_examples=max(HISTORIES // SHARES, 1),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
