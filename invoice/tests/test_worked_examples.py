"""Billing, example by example. Times are seconds after EPOCH, a customer's subscriptions cost 450 every 600 s."""

import pytest

from customer import accounts
from customer.accounts import Event
from customer.models import Account
from invoice.models import Invoice
from subscription import subscriptions
from tests.fixtures import EPOCH


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


def subscribe(customer, *, price=450, name="VM", isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


def switch(subscription, isactive):
    subscriptions.set_active(
        customer_id=subscription.customer_id, subscription_id=subscription.pk, isactive=isactive, by=None
    )


def top_up(customer, amount):
    return accounts.top_up(customer_id=customer.pk, amount=amount, by=customer)


def seconds(instant):
    return None if instant is None else (instant - EPOCH).total_seconds()


def billed(subscription):
    """The instants billed, in the order in which they were."""
    return [seconds(start) for start in subscription.invoices.order_by("id").values_list("start_time", flat=True)]


def next_instant(subscription):
    return seconds(type(subscription).objects.with_next_invoice().get(pk=subscription.pk).next_invoice_at)


def credit(customer):
    return Account.objects.get(pk=customer.pk).credit


def pauses(subscription):
    return [
        (seconds(pause.withheld_from), seconds(pause.restored_from), pause.paused_because, pause.paused_on)
        for pause in subscription.pauses.order_by("id")
    ]


def test_a_run_takes_the_price_and_covers_the_period_from_its_instant(ada, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(607.5)  # the scheduler is late; the invoice is not
    run_pass()
    (invoice,) = vm.invoices.all()
    assert (invoice.customer, invoice.amount) == (ada, 450)
    assert (seconds(invoice.start_time), seconds(invoice.end_time)) == (600, 1200)
    assert credit(ada) == 550
    assert next_instant(vm) == 1200


def test_a_second_pass_finds_nothing(ada, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(600)
    run_pass()
    run_pass()
    assert billed(vm) == [600]


def test_the_first_period_is_free_and_the_grid_begins_at_the_whole_second(ada, fake_clock, run_pass):
    fake_clock.at(0.999)
    vm = subscribe(ada)
    fake_clock.at(599.9)
    run_pass()
    assert (billed(vm), next_instant(vm)) == ([], 600)


def test_a_subscription_keeps_the_period_it_was_created_with(ada, fake_clock, run_pass, settings):
    vm = subscribe(ada, price=1)
    settings.INVOICE_PERIOD = 60
    quick = subscribe(ada, price=1)
    fake_clock.at(600)
    run_pass()
    assert billed(vm) == [600]
    assert billed(quick) == [60 * k for k in range(1, 11)]


def test_the_job_is_paused_by_the_charge_that_leaves_less_than_the_price(ada, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(1200)
    run_pass()
    assert billed(vm) == [600, 1200]
    assert next_instant(vm) is None
    assert pauses(vm) == [(1800, None, "insufficient_credit", "charge")]


def test_a_top_up_resumes_at_the_next_instant_of_the_old_grid_and_bills_nothing_for_the_pause(
    ada, fake_clock, run_pass
):
    vm = subscribe(ada)
    fake_clock.at(1200)
    run_pass()
    fake_clock.at(5000.5)
    assert top_up(ada, 3000) == 3100
    assert next_instant(vm) == 5400
    assert pauses(vm) == [(1800, 5400, "insufficient_credit", "charge")]
    fake_clock.at(5400)
    run_pass()
    assert billed(vm) == [600, 1200, 5400]


def test_a_top_up_that_does_not_reach_the_price_resumes_nothing(ada, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(1200)
    run_pass()
    top_up(ada, 349)
    assert next_instant(vm) is None
    top_up(ada, 1)
    assert next_instant(vm) == 1800


def test_what_is_due_is_billed_by_instant_and_then_by_subscription(make_customer, fake_clock, run_pass):
    bob = make_customer("bob", credit=10_000)
    first = subscribe(bob)
    fake_clock.at(300)
    second, third = subscribe(bob), subscribe(bob)
    fake_clock.at(1500)
    run_pass()
    order = [
        (seconds(start), subscription)
        for start, subscription in Invoice.objects.order_by("id").values_list("start_time", "subscription_id")
    ]
    assert order == [
        (600, first.pk),
        (900, second.pk),
        (900, third.pk),
        (1200, first.pk),
        (1500, second.pk),
        (1500, third.pk),
    ]


def test_the_dear_one_stops_and_the_cheap_one_goes_on(ada, fake_clock, run_pass):
    dear = subscribe(ada, price=600)
    cheap = subscribe(ada, price=100)
    fake_clock.at(1200)
    run_pass()
    assert billed(dear) == [600]
    assert billed(cheap) == [600, 1200]
    assert pauses(dear) == [(1200, None, "insufficient_credit", "charge")]
    assert credit(ada) == 200


def test_a_charge_pauses_jobs_of_the_account_that_are_not_due_at_all(ada, fake_clock, run_pass):
    vm = subscribe(ada, price=600)
    fake_clock.at(300)
    later = subscribe(ada, price=500)
    fake_clock.at(600)
    run_pass()
    assert next_instant(vm) is None
    assert pauses(later) == [(900, None, "insufficient_credit", "charge")]


def test_a_subscription_that_the_credit_does_not_cover_starts_paused(ada):
    vm = subscribe(ada, price=1001)
    assert (vm.next_invoice_at, vm.paused_because) == (None, "insufficient_credit")
    assert pauses(vm) == [(600, None, "insufficient_credit", "creation")]


def test_an_inactive_subscription_starts_paused_whatever_the_credit(ada):
    vm = subscribe(ada, price=1001, isactive=False)
    assert vm.paused_because == "deactivated"
    assert pauses(vm) == [(600, None, "deactivated", "creation")]


def test_switching_off_pauses_and_switching_on_continues_on_the_old_grid(ada, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(700)
    switch(vm, False)  # 600 is billed first: it was due before
    assert (billed(vm), next_instant(vm)) == ([600], None)
    fake_clock.at(2500)
    switch(vm, True)
    assert next_instant(vm) == 3000
    assert pauses(vm) == [(1200, 3000, "deactivated", "deactivation")]


def test_an_event_at_an_instant_comes_after_the_run_of_that_instant(ada, fake_clock):
    vm = subscribe(ada)
    fake_clock.at(600)
    switch(vm, False)
    assert billed(vm) == [600]


def test_setting_what_is_already_so_records_nothing(ada):
    vm = subscribe(ada)
    switch(vm, True)
    assert pauses(vm) == []
    switch(vm, False)
    switch(vm, False)
    assert len(pauses(vm)) == 1


def test_off_and_on_behind_one_door_are_both_on_record(ada, fake_clock):
    vm = subscribe(ada)
    fake_clock.at(100)
    with accounts.door(ada.pk, event=Event.ADJUSTMENT):
        switch(vm, False)
        switch(vm, True)
    assert pauses(vm) == [(600, 600, "deactivated", "deactivation")]
    assert next_instant(vm) == 600


def test_a_late_top_up_bills_and_pauses_first_as_of_the_instants_that_were_missed(ada, fake_clock):
    vm = subscribe(ada)
    fake_clock.at(6100)  # nothing ran: 600 and 1200 are covered, 1800 is not
    assert top_up(ada, 1000) == 1100
    assert billed(vm) == [600, 1200]
    (pause,) = vm.pauses.all()
    assert (seconds(pause.paused_at), seconds(pause.withheld_from)) == (1200, 1800)
    assert (seconds(pause.resumed_at), seconds(pause.restored_from), pause.resumed_on) == (6100, 6600, "top_up")


def test_missed_instants_are_each_an_invoice_of_their_own_oldest_first(make_customer, fake_clock, run_pass):
    bob = make_customer("bob", credit=10_000)
    vm = subscribe(bob)
    fake_clock.at(3000)
    run_pass()
    assert billed(vm) == [600, 1200, 1800, 2400, 3000]


def test_a_dearer_price_pauses_and_a_cheaper_one_resumes(ada, fake_clock):
    vm = subscribe(ada)
    fake_clock.at(100)
    for price, expected in ((1001, None), (1000, 600)):
        subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=price, by=None)
        assert next_instant(vm) == expected
    assert pauses(vm) == [(600, 600, "insufficient_credit", "price_change")]
    assert list(vm.price_changes.order_by("id").values_list("previous", "price")) == [(450, 1001), (1001, 1000)]


def test_an_adjustment_downwards_pauses(ada):
    vm = subscribe(ada)
    accounts.adjust(customer_id=ada.pk, amount=-600, by=None, reason="a mistake")
    assert pauses(vm) == [(600, None, "insufficient_credit", "adjustment")]


def test_a_clock_that_falls_back_neither_unbills_nor_repeats(ada, fake_clock, run_pass):
    vm = subscribe(ada, price=100)
    fake_clock.at(1200)
    run_pass()
    fake_clock.at(0)
    run_pass()
    top_up(ada, 5)
    assert (billed(vm), next_instant(vm)) == ([600, 1200], 1800)
    assert seconds(ada.account.ledger.get(kind="top_up").at) == 1200


def test_a_clock_that_jumps_ahead_bills_up_to_where_it_stands(ada, fake_clock, run_pass):
    vm = subscribe(ada, price=100)
    fake_clock.at(3600)
    run_pass()
    fake_clock.at(700)
    run_pass()
    assert billed(vm) == [600 * k for k in range(1, 7)]


def test_the_credit_is_the_ledger_less_the_invoices(ada, fake_clock, run_pass):
    subscribe(ada, price=70)
    fake_clock.at(4000)
    run_pass()
    top_up(ada, 33)
    accounts.adjust(customer_id=ada.pk, amount=-8, by=None, reason="a mistake")
    account = Account.objects.get(pk=ada.pk)
    ledger = sum(account.ledger.values_list("amount", flat=True))
    invoices = sum(ada.invoices.values_list("amount", flat=True))
    assert account.credit == ledger - invoices == 1000 + 33 - 8 - 6 * 70
    assert (account.invoice_count, account.invoice_total, account.deposited) == (6, 420, 1033)


def test_a_deactivated_customer_is_billed_all_the_same(ada, fake_clock, run_pass):
    vm = subscribe(ada)
    type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    fake_clock.at(600)
    run_pass()
    assert billed(vm) == [600]


def test_a_very_late_account_is_settled_in_slices_and_the_event_shares_the_last(ada, fake_clock, monkeypatch):
    monkeypatch.setattr("invoice.billing.MOST", 3)
    vm = subscribe(ada, price=10)
    other = subscribe(ada, price=10)
    fake_clock.at(6000)
    assert top_up(ada, 1) == 1000 - 20 * 10 + 1
    assert billed(vm) == billed(other) == [600 * k for k in range(1, 11)]


def test_a_backlog_that_a_pass_cannot_take_whole_is_billed_oldest_first(ada, make_customer, fake_clock, run_pass):
    latest, middle, oldest = ada, make_customer("bob", credit=1000), make_customer("cyd", credit=1000)
    jobs = []
    for at, customer in (0, oldest), (100, middle), (200, latest):
        fake_clock.at(at)
        jobs.append(subscribe(customer))
    fake_clock.at(1000)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("invoice.billing.MOST", 2)
        run_pass()
    assert [billed(vm) for vm in jobs] == [[600], [700], []]
    run_pass()
    assert [billed(vm) for vm in jobs] == [[600], [700], [800]]
