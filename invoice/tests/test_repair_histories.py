"""Random histories, lived by two customers at once: one is damaged and repaired on the way, and ends with the other's
books.

HISTORIES in the environment says how many, four for each.
"""

import os
from contextlib import suppress
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from django.db import transaction
from django.db.models import F
from django_apscheduler.models import DjangoJob
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings

from customer import accounts, customers
from customer.errors import CreditTooLow
from customer.models import Account, SetAside
from invoice import billing, repair
from invoice.checks import report
from subscription import subscriptions
from subscription.models import Pause, Subscription
from tests.fixtures import process_jobs

HISTORIES = int(os.environ.get("HISTORIES", "56"))

numbers = st.integers(0, 7)
seconds = st.one_of(st.sampled_from([0, 0.25, 1, 60, 600]), st.integers(0, 400))
shifts = st.one_of(st.integers(-2000, 2000), st.sampled_from([0.5, -60, 60, 10**9])).filter(bool)
events = st.tuples(
    st.sampled_from(["create", "top up", "adjust", "switch on", "switch off", "reprice", "wait"]),
    numbers,
    st.integers(1, 400),
    seconds,
)
damages = st.fixed_dictionaries(
    {},
    optional={
        "jobs": st.dictionaries(
            numbers, st.one_of(shifts, st.sampled_from(["null", "gone", "stray pause", "lost pause"])), max_size=3
        ),
        "time": shifts,
        "credit": shifts,
        "counters": st.sets(st.sampled_from(["deposited", "invoice_count", "invoice_total"])),
    },
)
histories = st.lists(st.one_of(events, events, damages), min_size=4, max_size=24)


class Pair:
    """Two customers with the same subscriptions in the same order."""

    def __init__(self, clock, settings, credit):
        self.clock = clock
        self.settings = settings
        self.ids = [
            customers.register(username=name, password="correct horse", credit=credit) for name in ("ada", "twin")
        ]
        self.damaged = self.ids[0].pk

    def subscriptions(self, customer):
        return list(Subscription.objects.of(customer).order_by("pk"))

    def live(self, what, number, amount, later):
        """The same event for both, at the same time."""
        self.clock.advance(later)
        for customer in self.ids:
            mine = self.subscriptions(customer)
            if what == "create" and len(mine) < 5:
                self.settings.INVOICE_PERIOD = (1, 7, 60, 600)[number % 4]
                subscriptions.create(customer=customer, name="VM", price=amount, isactive=number != 0, by=None)
            elif what == "top up":
                accounts.top_up(customer_id=customer.pk, amount=amount, by=None)
            elif what == "adjust":
                with suppress(CreditTooLow):
                    accounts.adjust(customer_id=customer.pk, amount=-amount, by=None, reason="a test")
            elif what == "wait":
                self.bill()
            elif mine:
                this = {"customer_id": customer.pk, "subscription_id": mine[number % len(mine)].pk, "by": None}
                if what == "reprice":
                    subscriptions.change_price(price=amount, **this)
                else:
                    subscriptions.set_active(isactive=what == "switch on", **this)

    def bill(self):
        while (due := billing.next_due()) and due <= self.clock.time:
            process_jobs()

    def damage(self, *, jobs=(), time=None, credit=None, counters=()):
        """Breaks rows of the first customer. Returns whether a pass may come before the repair: it sets the account
        aside, or nothing that it does depends on them.
        """
        account = Account.objects.filter(pk=self.damaged)
        mine = self.subscriptions(self.damaged)
        if mine:
            jobs = {mine[number % len(mine)].pk: how for number, how in dict(jobs).items()}
            for subscription_id, how in jobs.items():
                self.break_job(DjangoJob.objects.filter(pk=str(subscription_id)), subscription_id, how)
        if time is not None and not jobs:
            self.move_time(account, timedelta(seconds=time))
        if credit is not None:
            account.update(credit=max(account.get().credit + int(credit), 0))
            counters = set(counters) & {"invoice_count"}
        for counter in counters:
            account.update(**{counter: F(counter) + 3})
        return credit is None and "null" not in dict(jobs).values()

    def break_job(self, job, subscription_id, how):
        stands = job.get().next_run_time
        if how == "null":
            job.update(next_run_time=None)
        elif how == "gone":
            job.delete()
        elif how == "lost pause":
            Pause.objects.filter(subscription=subscription_id, restored_from=None)._raw_delete("default")
        elif how == "stray pause" and stands:
            Pause.objects.create(
                subscription_id=subscription_id,
                withheld_from=stands,
                paused_at=self.clock.time,
                paused_because="deactivated",
                paused_on="deactivation",
            )
        elif how != "stray pause":
            job.update(next_run_time=(stands or self.clock.time) + timedelta(seconds=how))

    def move_time(self, account, shift):
        """Only where it can be seen: as far as no job tells otherwise, an account's time may be anywhere."""
        with transaction.atomic():
            account.update(settled_until=F("settled_until") + shift)
            if not report.of_account(self.damaged):
                transaction.set_rollback(True)

    def books(self, customer):
        numbers = {subscription.pk: number for number, subscription in enumerate(self.subscriptions(customer))}
        pauses = Pause.objects.filter(subscription__in=numbers).exclude(withheld_from=F("restored_from"))
        return {
            "account": Account.objects.filter(pk=customer).values_list(
                "credit", "deposited", "invoice_count", "invoice_total", "settled_until"
            )[0],
            "invoices": sorted(
                (numbers[of], *row)
                for of, *row in customer.invoices.values_list("subscription", "start_time", "end_time", "amount")
            ),
            "jobs": [DjangoJob.objects.get(pk=str(pk)).next_run_time for pk in numbers],
            "pauses": sorted(
                (
                    (numbers[of], *row)
                    for of, *row in pauses.values_list("subscription", "withheld_from", "restored_from")
                ),
                key=str,
            ),
        }


@pytest.mark.django_db
def test_a_history_with_damages_and_repairs_ends_in_the_books_of_one_without(fake_clock, settings):
    @given(credit=st.integers(0, 4000), history=histories, later=seconds)
    @hypothesis_settings(
        max_examples=max(HISTORIES // 4, 1), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    def live(credit, history, later):
        with transaction.atomic():
            fake_clock.at(0)
            pair = Pair(fake_clock, settings, credit)
            pair.live("create", 1, 100, 0)
            for step in history:
                if isinstance(step, tuple):
                    pair.live(*step)
                    continue
                pair.bill()
                may_wait = pair.damage(**step)
                fake_clock.advance(later)
                if may_wait:
                    pair.bill()
                found = repair.repair(customer_id=pair.damaged, by=None)
                note(f"{step}: {found.lines()}")
                assert not SetAside.objects.exists()
                assert report.run(progress=lambda _: None).faults == []
            pair.bill()
            pair.live("top up", 0, 1, 1)
            assert pair.books(pair.ids[0]) == pair.books(pair.ids[1])
            transaction.set_rollback(True)

    live()
