"""The preview of an act: exactly what then happens, and nothing is written for it.

HISTORIES in the environment says how many histories; each act is put to an eighth of them.
"""

import os
from datetime import timedelta
from functools import partial

import hypothesis.strategies as st
import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from customer import accounts
from customer.errors import CreditTooLow, DepositLimit
from customer.models import Account
from invoice import ahead, outlook, previews
from invoice.models import Invoice
from invoice.tests.test_repair_histories import Pair, events
from subscription import subscriptions
from subscription.errors import NoSuchSubscription, TooManySubscriptions
from subscription.models import Pause, Subscription
from tests.fixtures import EPOCH, is_postgresql

HISTORIES = int(os.environ.get("HISTORIES", "80"))


def at(seconds):
    return EPOCH + timedelta(seconds=seconds)


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


def subscribe(customer, *, price=300, name="VM", isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


# --- what is refused ------------------------------------------------------------------------------


def test_a_preview_refuses_what_the_act_would(ada, make_customer, fake_clock, monkeypatch):
    theirs = subscribe(make_customer("bob"))
    subscribe(ada, price=300)
    fake_clock.at(600)  # 300 are due
    previews.adjust(customer_id=ada.pk, amount=-700)
    with pytest.raises(CreditTooLow):
        previews.adjust(customer_id=ada.pk, amount=-701)
    previews.top_up(customer_id=ada.pk, amount=2**63 - 1001)
    with pytest.raises(DepositLimit):
        previews.top_up(customer_id=ada.pk, amount=2**63 - 1000)
    with pytest.raises(NoSuchSubscription):
        previews.set_active(customer_id=ada.pk, subscription_id=theirs.pk, isactive=False)
    with pytest.raises(NoSuchSubscription):
        previews.change_price(customer_id=ada.pk, subscription_id=theirs.pk, price=5)
    monkeypatch.setattr(previews, "MOST_PER_CUSTOMER", 1)
    with pytest.raises(TooManySubscriptions):
        previews.create(customer_id=ada.pk, name="VM", price=5, isactive=True)


# --- what people read -----------------------------------------------------------------------------


def test_a_preview_says_what_is_billed_first_what_changes_and_how_long_it_lasts(ada, fake_clock):
    vm, disk = subscribe(ada, price=450), subscribe(ada, price=100, name="Disk")
    fake_clock.at(1250)  # 550 are due at 600, and 450 at 1200: then nothing is left
    assert previews.top_up(customer_id=ada.pk, amount=500).lines() == [
        "What is due is billed first: 3 invoices over 1,000. That leaves a credit of 0.",
        f"VM ({vm.pk}) pauses by that: the credit does not cover it.",
        f"Disk ({disk.pk}) pauses by that: the credit does not cover it.",
        "The credit becomes 500, from 0.",
        f"VM ({vm.pk}) goes on: its next invoice comes at 2030-01-01 00:30:00.",
        f"Disk ({disk.pk}) goes on: its next invoice comes at 2030-01-01 00:30:00.",
        f"The credit lasts until 2030-01-01 00:30:00 (9 minutes); VM ({vm.pk}) pauses first.",
        "Without this, nothing runs, so nothing is billed.",
    ]


def test_the_preview_of_a_switch_says_so(ada, fake_clock):
    vm = subscribe(ada, price=450)
    assert previews.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=False).lines() == [
        "The credit stays 1,000.",
        f"VM ({vm.pk}) pauses: deactivated.",
        "Nothing runs, so nothing is billed.",
        f"Without this, the credit lasts until 2030-01-01 00:20:00 (20 minutes); VM ({vm.pk}) pauses first.",
    ]


def test_the_preview_of_a_creation_says_when_it_is_first_billed_or_why_it_is_not(ada, fake_clock):
    assert previews.create(customer_id=ada.pk, name="VM", price=1, isactive=True).lines() == [
        "The credit stays 1,000.",
        "Its first invoice comes at 2030-01-01 00:10:00.",
        "The credit lasts until 2030-01-07 22:40:00 (6 days); VM (1) pauses first.",
        "Without this, nothing runs, so nothing is billed.",
    ]
    assert previews.create(customer_id=ada.pk, name="VM", price=1001, isactive=True).lines()[:2] == [
        "The credit stays 1,000.",
        "It starts paused: insufficient credit.",
    ]


def test_a_credit_that_lasts_is_said_to(ada, fake_clock):
    subscribe(ada, price=1)
    lines = previews.top_up(customer_id=ada.pk, amount=10**9).lines()
    assert lines[1] == "The credit lasts for more than 365 days."


# --- it comes true --------------------------------------------------------------------------------

ACTS = ["nothing", "top up", "take", "on", "off", "reprice", "create"]


def foretell(customer, act, number, amount):
    """What the preview of the act says, and a function that does it."""
    who, mine = {"customer_id": customer.pk}, list(Subscription.objects.of(customer).order_by("pk"))
    one = who | {"subscription_id": mine[number % len(mine)].pk}
    ordered = {"name": "new", "price": amount, "isactive": number != 0}
    switched = {"isactive": act == "on"}
    match act:
        case "nothing":
            return outlook.of_customer(**who), lambda: None
        case "top up":
            return previews.top_up(**who, amount=amount).act, lambda: accounts.top_up(**who, amount=amount, by=None)
        case "take":
            by = {"by": None, "reason": "a test"}
            return previews.adjust(**who, amount=-amount).act, lambda: accounts.adjust(**who, amount=-amount, **by)
        case "on" | "off":
            doing = partial(subscriptions.set_active, **one, **switched, by=None)
            return previews.set_active(**one, **switched).act, doing
        case "reprice":
            doing = partial(subscriptions.change_price, **one, price=amount, by=None)
            return previews.change_price(**one, price=amount).act, doing
    return previews.create(**who, **ordered).act, lambda: subscriptions.create(customer=customer, **ordered, by=None)


def billed(customer):
    return list(customer.invoices.order_by("id").values_list("subscription_id", "amount", "start_time", "end_time"))


def stops(pauses, ids):
    return [(ids[stop.subscription_id], stop.at, stop.withheld_from, stop.because) for stop in pauses]


def recorded(rows):
    return [(row.subscription_id, row.paused_at, row.withheld_from, row.paused_because) for row in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("act", ACTS)
def test_what_is_foretold_of_an_act_is_what_then_happens(act, fake_clock, settings, monkeypatch):
    settings.INVOICE_PERIOD = 600  # which is put back; a thousand such changes would be too many for it

    @given(
        credit=st.integers(0, 4000),
        history=st.lists(events, max_size=10),
        late=st.sampled_from([0, 0.5, 61, 3000]),
        number=st.integers(0, 5),
        amount=st.integers(1, 900),
        step=st.sampled_from([1, 3, 500]),
    )
    @hypothesis_settings(
        max_examples=max(HISTORIES // 8, 1), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    def live(credit, history, late, number, amount, step):
        monkeypatch.setattr(ahead, "STEP", step)
        with transaction.atomic():
            fake_clock.at(0)
            pair = Pair(fake_clock, django_settings, credit)
            for event in [("create", 1, 100, 0), ("create", 3, 70, 0), *history]:
                pair.live(*event)
            fake_clock.advance(late)
            compare(pair, fake_clock, act, number, amount)
            transaction.set_rollback(True)

    live()


def compare(pair, fake_clock, act, number, amount):
    """Previews an act, does it, lets a year pass, and compares."""
    customer = pair.ids[0]
    pauses = Pause.objects.filter(subscription__customer=customer).order_by("id")
    ended = set(pauses.exclude(restored_from=None).values_list("pk", flat=True))
    known, old = set(pauses.values_list("pk", flat=True)), len(billed(customer))
    try:
        told, do = foretell(customer, act, number, amount)
    except CreditTooLow:
        with pytest.raises(CreditTooLow):
            accounts.adjust(customer_id=customer.pk, amount=-amount, by=None, reason="a test")
        return
    assert told.stored == credit_of(customer)
    do()
    pair.bill()
    due = billed(customer)[old:]
    assert (told.due_invoices, told.due_amount) == (len(due), sum(amount for _, amount, _, _ in due))
    assert told.credit == credit_of(customer)
    new = pauses.exclude(pk__in=known)
    shown = Subscription.objects.of(customer).with_next_invoice().order_by("pk")
    # On PostgreSQL the new one's id is not the next: histories that were rolled back have taken those.
    ids = {prospect.subscription_id: each.pk for prospect, each in zip(told.prospects, shown, strict=True)}
    assert stops(told.due_pauses, ids) == recorded(new.filter(paused_on="charge"))
    assert stops(told.paused, ids) == recorded(new.exclude(paused_on="charge"))
    resumed = pauses.exclude(pk__in=ended).exclude(restored_from=None).values_list("subscription", "restored_from")
    assert sorted((each.subscription_id, each.restored_from) for each in told.resumed) == sorted(resumed)
    assert [(ids[each.subscription_id], each.price, each.next_invoice_at) for each in told.prospects] == [
        (each.pk, each.price, each.next_invoice_at) for each in shown
    ]

    known, old = set(pauses.values_list("pk", flat=True)), old + len(due)
    fake_clock.time = told.until
    pair.bill()
    then = billed(customer)[old:]
    first = [(ids[each.subscription_id], each.amount, each.start_time, each.end_time) for each in told.first]
    assert first == then[:10]
    assert [(ids[each.subscription_id], each.invoices, each.amount) for each in told.prospects] == [
        (each.pk, len(theirs), sum(theirs))
        for each in shown
        for theirs in [[amount for subscription_id, amount, _, _ in then if subscription_id == each.pk]]
    ]
    assert stops(told.pauses, ids) == recorded(pauses.exclude(pk__in=known))
    assert told.left == credit_of(customer)


def credit_of(customer):
    return Account.objects.get(pk=customer.pk).credit


# --- nothing is written ---------------------------------------------------------------------------


def state():
    """Every row, and where every sequence stands."""
    rows = {model: list(model.objects.order_by("pk").values()) for model in apps.get_models()}
    with connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()")
        else:
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
        return rows, sorted(cursor.fetchall())


def test_a_preview_leaves_no_trace(ada, fake_clock, django_capture_on_commit_callbacks):
    vm = subscribe(ada)
    subscribe(ada, price=100, isactive=False)
    fake_clock.at(1900)
    one = {"customer_id": ada.pk, "subscription_id": vm.pk}
    before = state()
    with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks() as sent:
        outlook.of_customer(customer_id=ada.pk, extra=5)
        previews.top_up(customer_id=ada.pk, amount=5)
        previews.adjust(customer_id=ada.pk, amount=-5)
        previews.set_active(**one, isactive=False)
        previews.change_price(**one, price=5)
        previews.create(customer_id=ada.pk, name="VM", price=5, isactive=True)
    assert sent == []
    assert {query["sql"].split()[0] for query in captured} == {"SELECT"}
    assert not any(" FOR " in query["sql"] for query in captured)  # it locks nothing
    assert state() == before


@pytest.mark.parametrize("rows", [5, 50])
def test_a_preview_reads_three_times_however_many_rows_there_are(ada, fake_clock, rows):
    for number in range(rows):
        vm = subscribe(ada, price=1, name=f"vm {number}")
        times = {"start_time": at(-600), "end_time": EPOCH}
        Invoice.objects.create(customer=ada, subscription=vm, amount=5, **times)
    with CaptureQueriesContext(connection) as captured:
        previews.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=False)
    assert len(captured) == 3
