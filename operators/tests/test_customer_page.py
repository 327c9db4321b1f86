"""A customer's page: what an operator sees of one customer, and what acts say before they are done."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.models import Account, Customer, LedgerEntry
from customer.tests.operators import act, logged_in, operator, page, superuser
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import EPOCH

CUSTOMER, SUBSCRIPTION = "customer_customer", "subscription_subscription"
PARTS = {"Subscriptions", "If nobody does anything", "Statement", "Latest acts of operators"}


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


def subscribe(customer, *, price=300, name="VM", isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


def text(answer):
    """What a page says, in words with a space between."""
    assert answer.status_code == 200
    return " ".join(re.sub(r"<(style|script).*?</\1>", "", answer.content.decode(), flags=re.DOTALL).split())


def words(answer):
    return " ".join(strip_tags(text(answer).replace("<", " <")).split())


def shown(member, customer, **query):
    return logged_in(member).get(page(CUSTOMER, "change", customer.pk), query)


# --- what it shows --------------------------------------------------------------------------------


def test_it_tells_how_long_the_credit_lasts_and_what_pauses_when(root, ada, fake_clock):
    vm, disk = subscribe(ada, price=400), subscribe(ada, price=50, name="Disk")
    fake_clock.at(700)
    said = words(shown(root, ada))
    assert "Credit 1,000 Put in: 1,000 Invoiced: 0 by 0 invoices" in said
    assert f"The credit lasts until 2030-01-01 00:20:00 (8 minutes); VM ({vm.pk}) pauses first." in said
    assert "What is due is billed first: 2 invoices over 450. That leaves a credit of 550." in said
    assert f"1. VM ({vm.pk}) at 2030-01-01 00:20:00 2. Disk ({disk.pk}) at 2030-01-01 00:40:00" in said


def test_it_tells_why_each_subscription_is_paused_and_when_the_others_are_invoiced(root, ada, fake_clock):
    dear, off, vm = subscribe(ada, price=1001), subscribe(ada, isactive=False), subscribe(ada, price=1000, name="Big")
    said = words(shown(root, ada))
    states = [
        f"Big ({vm.pk}) 1,000 every 10 minutes 1,000 10 minutes Running 2030-01-01 00:10:00 2030-01-01 00:10:00",
        f"VM ({off.pk}) 300 every 10 minutes 300 10 minutes Deactivated -",
        f"VM ({dear.pk}) 1,001 every 10 minutes 1,001 10 minutes Insufficient Credit -",
    ]
    assert " ".join(states) in said
    listed = logged_in(root).get(page(SUBSCRIPTION, "changelist"), {"customer__id__exact": ada.pk})
    assert f"?customer__id__exact={ada.pk}" in text(shown(root, ada))
    assert listed.context["cl"].result_count == 3


def test_it_has_the_statement_with_the_balance_after_each_line(root, ada, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(600)
    run_pass()
    accounts.adjust(customer_id=ada.pk, amount=-50, by=root, reason="typo")
    entry, invoice = LedgerEntry.objects.latest("id"), Invoice.objects.get()
    said = words(shown(root, ada))
    line = f"2030-01-01 00:10:00 Invoice {invoice.pk} 2030-01-01 00:10:00 VM ({vm.pk}) VM ({vm.pk}) -300 700"
    assert f"2030-01-01 00:10:00 root: typo root: typo -50 650 {line}" in said
    assert f"Adjustment {entry.pk}" in said


def test_the_statement_leads_to_older_lines_and_back(root, ada, fake_clock):
    for number in range(1, 80):
        fake_clock.at(number)
        accounts.top_up(customer_id=ada.pk, amount=1, by=ada)
    client, here = logged_in(root), page(CUSTOMER, "change", ada.pk)

    def link(answer, name):
        found = re.search(rf'href="(\?statement=[^"#]*)#statement"[^>]*>(?:(?!</a>).)*{name}', text(answer))
        return found and found[1].replace("&amp;", "&")

    first = client.get(here)
    assert link(first, "Newer") is None
    older = client.get(here + link(first, "Older"))
    assert len(older.context["customer"]["statement"]["lines"]) == 30
    assert link(older, "Older") is None
    again = client.get(here + link(older, "Newer"))
    assert again.context["customer"]["statement"]["lines"] == first.context["customer"]["statement"]["lines"]
    assert link(again, "Newer") is None
    assert client.get(here, {"statement": "0.5.5.5:forged"}).status_code == 404


def test_it_has_the_latest_acts_on_the_customer_and_the_subscriptions_with_their_reasons(root, ada, fake_clock):
    vm = subscribe(ada)
    client = logged_in(root)
    act(client, page(CUSTOMER, "top-up", ada.pk), {"amount": "50", "reason": "cash"})
    act(client, page(SUBSCRIPTION, "price", vm.pk), {"price": "70", "reason": "a discount"})
    log = shown(root, ada).context["customer"]["log"]
    assert [(entry["by"], entry["about"], entry["done"]) for entry in log] == [
        ("root", str(vm), "The price is 70. Reason: a discount"),
        ("root", "ada", "Topped up by 50; the credit is 1050. Reason: cash"),
    ]
    assert log[0]["origin"].startswith("127.0.0.1")


def test_acts_of_others_are_not_in_it(root, ada, make_customer):
    bob = make_customer("bob")
    act(logged_in(root), page(CUSTOMER, "top-up", bob.pk), {"amount": "50"})
    assert shown(root, ada).context["customer"]["log"] == []


def test_an_account_set_aside_is_said_to_be_with_the_way_to_its_repair(root, ada, fake_clock):
    vm = subscribe(ada)
    DjangoJob.objects.filter(pk=str(vm.pk)).update(next_run_time=EPOCH + timedelta(seconds=17))
    assert "This account cannot be billed:" in words(shown(root, ada))
    accounts.set_aside(customer_id=ada.pk, error="its job was moved")
    answer = shown(root, ada)
    assert "This account is set aside: it is neither billed nor changed." in words(answer)
    assert page("customer_setaside", "change", ada.pk) in text(answer)


def test_a_name_in_persian_keeps_its_id_behind_it(root, ada):
    vm = subscribe(ada, name="سرور تهران")
    assert f"\u2068سرور تهران\u2069 ({vm.pk}) pauses first" in words(shown(root, ada))


def test_a_name_is_no_markup(root, ada, fake_clock, run_pass):
    subscribe(ada, name="<b>VM</b>")
    fake_clock.at(600)
    run_pass()
    assert "<b>VM</b>" not in shown(root, ada).content.decode()


# --- who sees what --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "parts"),
    [
        ([], set()),
        (["subscription.view_subscription"], {"Subscriptions", "If nobody does anything"}),
        (["customer.view_ledgerentry"], set()),
        (["customer.view_ledgerentry", "invoice.view_invoice"], {"Statement"}),
        (["admin.view_logentry"], {"Latest acts of operators"}),
    ],
)
def test_each_part_is_for_those_who_may_see_its_rows(ada, permissions, parts):
    subscribe(ada)
    member = operator("viewer", "customer.view_customer", *permissions)
    titles = {title for title in PARTS if f"{title} </h2>" in text(shown(member, ada))}
    assert titles == parts


def test_acts_are_offered_to_those_who_may_do_them(root, ada):
    url = page(CUSTOMER, "top-up", ada.pk)
    assert url in text(shown(root, ada))
    assert url not in text(shown(operator("viewer", "customer.view_customer"), ada))


def test_who_may_not_see_customers_sees_no_page(ada):
    assert shown(operator("nobody"), ada).status_code == 403


def test_what_can_be_edited_still_is(root, ada):
    client, url = logged_in(root), page(CUSTOMER, "change", ada.pk)
    refused = client.post(url, {"username": "", "is_active": "1"})
    assert "This field is required" in refused.content.decode()
    assert client.post(url, {"username": "lovelace", "is_active": "1"}).status_code == 302
    assert Customer.objects.get(pk=ada.pk).username == "lovelace"


# --- what it costs --------------------------------------------------------------------------------


def test_a_page_takes_as_many_queries_with_50_subscriptions_as_with_5(root, ada, fake_clock):
    client, counts = logged_in(root), []
    url = page(CUSTOMER, "change", ada.pk)
    client.get(url)  # which learns of the types of the log's objects
    for more in (5, 45):
        for number in range(more):
            vm = subscribe(ada, price=1, name=f"vm {number}")
            times = {"start_time": EPOCH, "end_time": EPOCH + timedelta(seconds=600)}
            Invoice.objects.create(customer=ada, subscription=vm, amount=5, **times)
            LogEntry.objects.log_actions(root.pk, [vm], 2, "Activated.", single_object=True)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(url)
        counts.append(len(captured))
        assert len(answer.context["customer"]["subscriptions"]) == Subscription.objects.count()
    assert counts[0] == counts[1]
    assert counts[1] <= 20


def test_a_page_writes_nothing(root, ada, fake_clock):
    subscribe(ada)
    fake_clock.at(5000)
    client = logged_in(root)
    with CaptureQueriesContext(connection) as captured:
        client.get(page(CUSTOMER, "change", ada.pk))
    assert {query["sql"].split()[0] for query in captured} <= {"SELECT", "DECLARE"}


# --- what acts say before they are done -----------------------------------------------------------


def confirmation(member, url, said):
    """What the page says between the form and its confirmation."""
    return logged_in(member).post(url, said)


def test_a_top_up_says_what_it_will_do_and_then_does_that(root, ada, fake_clock):
    vm = subscribe(ada, price=700)
    fake_clock.at(700)
    url = page(CUSTOMER, "top-up", ada.pk)
    said = words(confirmation(root, url, {"amount": "500"}))
    assert "What is due is billed first: 1 invoice over 700. That leaves a credit of 300." in said
    assert "The credit becomes 800, from 300." in said
    assert f"VM ({vm.pk}) goes on: its next invoice comes at 2030-01-01 00:20:00." in said
    assert f"The credit lasts until 2030-01-01 00:20:00 (8 minutes); VM ({vm.pk}) pauses first." in said
    assert not Invoice.objects.exists()
    act(logged_in(root), url, {"amount": "500"})
    assert Account.objects.get(pk=ada.pk).credit == 800
    assert Subscription.objects.with_next_invoice().get().next_invoice_at == EPOCH + timedelta(seconds=1200)


def test_an_adjustment_that_would_be_refused_is_refused_before_it_is_confirmed(root, ada, fake_clock):
    subscribe(ada, price=700)
    fake_clock.at(600)
    said = words(confirmation(root, page(CUSTOMER, "adjust", ada.pk), {"amount": "-301", "reason": "typo"}))
    assert "The credit would fall below 0." in said
    assert "Confirm" not in said
    said = words(confirmation(root, page(CUSTOMER, "adjust", ada.pk), {"amount": "-300", "reason": "typo"}))
    assert "The credit becomes 0, from 300." in said


@pytest.mark.parametrize(
    ("isactive", "name", "said", "line"),
    [
        (True, "deactivate", {}, "VM ({pk}) pauses: deactivated."),
        (False, "activate", {}, "VM ({pk}) goes on: its next invoice comes at 2030-01-01 00:10:00."),
        (True, "price", {"price": "1001"}, "VM ({pk}) pauses: insufficient credit."),
        (True, "price", {"price": "500"}, "The credit lasts until 2030-01-01 00:20:00 (20 minutes)"),
    ],
)
def test_the_acts_on_a_subscription_say_what_they_will_do(root, ada, isactive, name, said, line):
    vm = subscribe(ada, isactive=isactive)
    answer = confirmation(root, page(SUBSCRIPTION, name, vm.pk), said)
    assert line.format(pk=vm.pk) in words(answer)


def test_a_creation_says_when_it_is_first_billed(root, ada, fake_clock):
    ordered = {"customer": ada.pk, "name": "VM", "price": "500", "isactive": "on"}
    said = words(confirmation(root, page(SUBSCRIPTION, "add"), ordered))
    assert "Its first invoice comes at 2030-01-01 00:10:00." in said
    assert not Subscription.objects.exists()


def test_a_preview_of_an_account_set_aside_is_an_error(root, ada):
    accounts.set_aside(customer_id=ada.pk, error="broken")
    said = words(confirmation(root, page(CUSTOMER, "top-up", ada.pk), {"amount": "5"}))
    assert "This account is being repaired." in said
