"""How all subscriptions stand, as a sample has it."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from customer import accounts
from invoice.models import Tally
from operators import samples
from operators.models import Flapping, RunsDry, Sample
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import EPOCH


def subscribe(customer, price, *, isactive=True, name="VM"):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


def switch(subscription, isactive):
    subscriptions.set_active(
        customer_id=subscription.customer_id, subscription_id=subscription.pk, isactive=isactive, by=None
    )


@pytest.fixture
def provider(make_customer, fake_clock, monkeypatch):
    """Three customers: one who lasts, one who runs dry soon, and one with nothing running. Slices of one account."""
    monkeypatch.setattr(samples, "SLICE", 1)
    ada, grace, edsger = (
        make_customer(name, credit=credit) for name, credit in (("ada", 10_000), ("grace", 100), ("edsger", 5))
    )
    for price in (1, 2):
        subscribe(ada, price)
    subscribe(ada, 3, isactive=False)
    subscribe(grace, 50)
    subscribe(edsger, 6)
    return ada, grace, edsger


def test_a_sample_counts_what_runs_and_what_is_paused_and_why(provider):
    samples.sample()
    sample = Sample.objects.get()
    assert (sample.running, sample.deactivated, sample.insufficient_credit) == (3, 1, 1)
    assert sample.per_day == 53 * 144
    assert (sample.at, sample.set_aside, sample.backlog, sample.lag) == (EPOCH, 0, 0, 0)


def test_a_sample_of_nothing_is_all_zeros(db, fake_clock):
    samples.sample()
    assert Sample.objects.get().running == Sample.objects.get().per_day == 0


def test_those_who_run_dry_first_come_first_with_the_instant_at_which_they_do(provider, monkeypatch):
    ada, grace, _ = provider
    samples.sample()
    assert list(RunsDry.objects.order_by("at").values_list("customer_id", "username", "credit", "at")) == [
        (grace.pk, "grace", 100, EPOCH + timedelta(seconds=1200)),
        (ada.pk, "ada", 10_000, EPOCH + timedelta(seconds=3333 * 600)),
    ]


def test_only_so_many_are_kept(provider, monkeypatch):
    monkeypatch.setattr(samples, "MOST", 1)
    samples.sample()
    assert RunsDry.objects.get().username == "grace"


def test_lag_and_backlog_leave_out_what_is_set_aside(provider, fake_clock):
    ada, grace, _ = provider
    accounts.set_aside(customer_id=ada.pk, error="a test's")
    fake_clock.at(630)
    samples.sample()
    sample = Sample.objects.get()
    assert (sample.set_aside, sample.backlog, sample.lag) == (1, 1, 30)


def test_a_sample_is_taken_once_a_minute_whoever_asks_and_rests_after_a_long_one(provider, fake_clock):
    samples.sample()
    fake_clock.at(30)
    samples.sample()
    assert Sample.objects.count() == 1
    fake_clock.at(60)
    samples.sample()
    assert Sample.objects.count() == 2
    Sample.objects.update(seconds=10)
    fake_clock.at(300)
    samples.sample()
    assert Sample.objects.count() == 2
    fake_clock.at(361)
    samples.sample()
    assert Sample.objects.count() == 3


def test_old_samples_go_by_their_number(provider, fake_clock, monkeypatch):
    monkeypatch.setattr(samples, "KEPT", 2)
    for day in range(3):
        fake_clock.at(day * 86_400)
        samples.sample()
    assert list(Sample.objects.order_by("at").values_list("at", flat=True)) == [
        EPOCH + timedelta(days=day) for day in (1, 2)
    ]


def test_a_clock_that_stood_a_year_ahead_neither_ends_the_history_nor_the_sampling(provider, fake_clock):
    samples.sample()
    fake_clock.at(365 * 86_400)
    samples.sample()
    fake_clock.at(120)
    samples.sample()
    assert list(Sample.objects.order_by("at").values_list("at", flat=True)) == [
        EPOCH + timedelta(seconds=seconds) for seconds in (0, 120)
    ]


def test_a_sample_adds_the_tallies_up(provider, fake_clock, run_pass):
    fake_clock.at(630)
    run_pass()
    Tally.objects.update(writer=77)
    before = Tally.objects.aggregate(Sum("invoices"), Sum("amount"))
    fake_clock.at(900)
    samples.sample()
    assert Tally.objects.get().writer == 0
    assert Tally.objects.aggregate(Sum("invoices"), Sum("amount")) == before


def test_a_subscription_flaps_that_is_off_at_its_instants_again_and_again(provider, fake_clock):
    flapper, sleeper, unlucky = Subscription.objects.order_by("id")[:3]
    switch(sleeper, False)
    for instant in (600, 1200, 1800):
        fake_clock.at(instant - 5)
        switch(flapper, False)
        fake_clock.at(instant + 5)
        switch(flapper, True)
    samples.sample()
    row = Flapping.objects.get()
    assert (row.subscription_id, row.times, row.last_at) == (flapper.pk, 3, EPOCH + timedelta(seconds=1795))


def test_it_does_not_flap_that_was_off_twice_or_between_its_instants(provider, fake_clock):
    twice, between = Subscription.objects.order_by("id")[:2]
    for instant in (600, 1200):
        fake_clock.at(instant - 5)
        switch(twice, False)
        fake_clock.at(instant + 5)
        switch(twice, True)
    for second in range(1210, 1240, 10):
        fake_clock.at(second)
        switch(between, False)
        fake_clock.advance(5)
        switch(between, True)
    samples.sample()
    assert not Flapping.objects.exists()


def test_being_short_of_credit_again_and_again_is_no_flapping(make_customer, fake_clock, run_pass):
    ada = make_customer("ada", credit=5)
    vm = subscribe(ada, 5)
    for turn in range(3):
        fake_clock.at(600 + 1200 * turn)
        run_pass()
        fake_clock.at(1201 + 1200 * turn)
        accounts.top_up(customer_id=ada.pk, amount=5, by=ada)
    assert vm.pauses.exclude(restored_from=None).count() == 3
    samples.sample()
    assert not Flapping.objects.exists()
