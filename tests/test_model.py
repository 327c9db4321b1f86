"""Random histories, lived by the service and by the model of the contract: the books must be the same, to the row.

HISTORIES in the environment says how many histories; `make nightly` takes many more.
"""

import os
import sys
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import HealthCheck, note
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from customer import accounts, customers
from customer.accounts import Event
from customer.errors import CreditTooLow, StillHasBooks
from customer.models import Customer
from invoice import billing
from invoice.schedulers import Scheduler
from subscription import subscriptions
from tests import model
from tests.fixtures import FakeClock, process_jobs

HISTORIES = int(os.environ.get("HISTORIES", "100"))
STEPS = 40

amounts = st.integers(1, 600)
prices = st.one_of(st.sampled_from([1, 100, 450]), st.integers(1, 600))
periods = st.sampled_from([1, 2, 3, 7, 60])
# Whole seconds meet the grid's instants; fractions fall between them.
moments = st.one_of(st.sampled_from([0, 0.25, 1, 2, 3, 60]), st.integers(0, 200), st.floats(0, 20))
slices = st.sampled_from([1, 2, 3, 5000])


class Histories(RuleBasedStateMachine):
    """Customers, their subscriptions, a clock and a scheduler, in any order."""

    people = Bundle("people")
    things = Bundle("things")
    clock: FakeClock

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
                self.check_billing()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    # --- what customers and operators do ----------------------------------------------------------

    @rule(target=people, credit=st.one_of(st.just(0), amounts, st.integers(0, 5000)))
    def register(self, credit):
        name = f"customer{len(self.models)}"
        customer = customers.register(username=name, password="correct horse", credit=credit)
        account = model.Account(t=self.clock.time, credit=credit)
        if credit:
            account.ledger.append(("registration", credit, self.clock.time))
        self.models[customer.pk] = account
        self.compare(customer.pk)
        return customer.pk

    @rule(who=people, amount=amounts, most=slices)
    def top_up(self, who, amount, most):
        with self.slices_of(most):
            credit = accounts.top_up(customer_id=who, amount=amount, by=None)
        self.models[who].enter(self.clock.time, "top_up", amount)
        assert credit == self.models[who].credit
        self.compare(who)

    @rule(who=people, amount=st.integers(-600, 600).filter(bool))
    def adjust(self, who, amount):
        self.both(
            who,
            CreditTooLow,
            lambda: accounts.adjust(customer_id=who, amount=amount, by=None, reason="a test"),
            lambda account: account.enter(self.clock.time, "adjustment", amount),
        )

    @rule(target=things, who=people, price=prices, period=periods, active=st.booleans())
    def create(self, who, price, period, active):
        settings.INVOICE_PERIOD = period
        thing = subscriptions.create(
            customer=Customer.objects.get(pk=who), name="VM", price=price, isactive=active, by=None
        )
        self.models[who].create(self.clock.time, thing.pk, timedelta(seconds=period), price, active)
        self.compare(who)
        return (who, thing.pk)

    @rule(thing=things, active=st.booleans())
    def switch(self, thing, active):
        who, id = thing
        if id in self.models[who].subscriptions:
            subscriptions.set_active(customer_id=who, subscription_id=id, isactive=active, by=None)
            self.models[who].switch(self.clock.time, id, active)
            self.compare(who)

    @rule(thing=things, price=prices, most=slices)
    def change_price(self, thing, price, most):
        who, id = thing
        if id in self.models[who].subscriptions:
            with self.slices_of(most):
                subscriptions.change_price(customer_id=who, subscription_id=id, price=price, by=None)
            self.models[who].change_price(self.clock.time, id, price)
            self.compare(who)

    @rule(thing=things)
    def delete(self, thing):
        who, id = thing
        if id in self.models[who].subscriptions:
            self.both(
                who,
                StillHasBooks,
                lambda: subscriptions.delete(customer_id=who, subscription_id=id, by=None),
                lambda account: account.delete(self.clock.time, id),
            )

    @rule(thing=things, amount=amounts)
    def several_in_one_transaction(self, thing, amount):
        """Off, a top-up, and on again behind one door: one instant, and each pause and resume on record."""
        who, id = thing
        account = self.models[who]
        if id in account.subscriptions:
            with accounts.door(who, event=Event.ADJUSTMENT):
                subscriptions.set_active(customer_id=who, subscription_id=id, isactive=False, by=None)
                accounts.top_up(customer_id=who, amount=amount, by=None)
                subscriptions.set_active(customer_id=who, subscription_id=id, isactive=True, by=None)
            account.switch(self.clock.time, id, False)
            account.enter(self.clock.time, "top_up", amount)
            account.switch(self.clock.time, id, True)
            self.compare(who)

    # --- time, and the scheduler ------------------------------------------------------------------

    @rule(seconds=moments)
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @rule(who=people)
    def the_next_instant_strikes(self, who):
        instants = [job.next for job in self.models[who].subscriptions.values() if job.next]
        if instants:
            self.clock.time = max(self.clock.time, min(instants))

    @rule(seconds=st.sampled_from([0.5, 1, 30, 3600]))
    def the_clock_falls_back(self, seconds):
        self.finish_partial_passes()
        self.clock.advance(-seconds)

    @rule(hours=st.just(1))
    def the_clock_jumps_ahead(self, hours):
        self.clock.advance(hours * 3600 / 10)

    @rule()
    def drain(self):
        """The scheduler runs until nothing is due, then everything is compared."""
        while (due := billing.next_due()) and due <= self.clock.time:
            process_jobs()
        for who, account in self.models.items():
            account.run(self.clock.time)
            if self.partial:
                # Its last slice may have come at an earlier time, by which the model knows of no run.
                account.t = min(account.t, Customer.objects.get(pk=who).account.settled_until)
            self.compare(who)
        self.partial = False

    @rule(claim=st.integers(1, 3), most=slices)
    def a_small_pass(self, claim, most):
        """A scheduler that comes no further than a slice."""
        before, billing.CLAIM = billing.CLAIM, claim
        with self.slices_of(most):
            process_jobs()
        billing.CLAIM = before
        self.partial = True

    @rule()
    def the_scheduler_restarts(self):
        Scheduler.attach()

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

    def check_billing(self):
        pass


@pytest.mark.django_db
def test_every_history_leaves_the_books_that_the_contract_says(fake_clock, settings):
    Histories.clock = fake_clock
    run_state_machine_as_test(
        Histories,
        settings=hypothesis_settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
