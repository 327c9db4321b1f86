"""What operators can do to subscriptions, and what nobody can."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.models import SetAside
from customer.tests.operators import act, hidden, last_log, logged_in, operator, page, superuser
from subscription import subscriptions
from subscription.models import Pause, PriceChange, Subscription
from subscription_task.http.fields import MAX_MONEY

SUBSCRIPTION, PAUSE, PRICE = "subscription_subscription", "subscription_pause", "subscription_pricechange"


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer(credit=1000)


@pytest.fixture
def vm(ada):
    return subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)


def shown(subscription):
    return Subscription.objects.with_next_invoice().get(pk=subscription.pk)


def switch(member, action, *chosen, **said):
    """The messages after `action` on the chosen rows of the list, confirmed with a reason."""
    client, url = logged_in(member), page(SUBSCRIPTION, "changelist")
    chosen = {"action": action, "_selected_action": [subscription.pk for subscription in chosen]}
    answer = client.post(url, chosen)
    if answer.status_code == 200 and "_confirmed" in hidden(answer):
        answer = client.post(url, hidden(answer) | said)
    if answer.status_code == 302:
        answer = client.get(answer.url)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


# Each row: a page, what is posted to it, and the answers to a viewer, a switcher, an editor and a superuser.
PAGES = [
    ("changelist", None, 200, 200, 200, 200),
    ("change", None, 200, 200, 200, 200),
    ("change", {"name": "mine", "price": "1", "isactive": ""}, 403, 403, 403, 403),
    ("add", None, 403, 403, 200, 200),
    ("add", {"name": "DB", "price": "5"}, 403, 403, 302, 302),
    ("delete", None, 403, 403, 200, 200),
    ("price", None, 403, 200, 403, 200),
    ("price", {"price": "5"}, 403, 302, 403, 302),
]


@pytest.mark.parametrize(("name", "posted", "viewer", "switcher", "editor", "root"), PAGES)
def test_each_page_opens_to_those_who_may(ada, vm, name, posted, viewer, switcher, editor, root):
    rights = [f"subscription.{right}_subscription" for right in ("view", "change", "add", "delete")]
    statuses = {
        operator("viewer", rights[0]): viewer,
        operator("switcher", rights[0], "subscription.change_price"): switcher,
        operator("editor", rights[0], *rights[2:]): editor,
        superuser(): root,
        operator("nobody"): 403,
        ada: 302,  # a customer is sent to log in
    }
    for member, status in statuses.items():
        url = page(SUBSCRIPTION, name, *([] if name in ("changelist", "add") else [vm.pk]))
        client = logged_in(member)
        answer = client.get(url) if posted is None else act(client, url, {"customer": ada.pk, **posted})
        assert (member.username, answer.status_code) == (member.username, status)


@pytest.mark.parametrize("action", ["activate", "deactivate"])
def test_only_those_who_may_change_subscriptions_switch_them(vm, action):
    viewer = operator("viewer", "subscription.view_subscription")
    subscriptions.set_active(customer_id=vm.customer_id, subscription_id=vm.pk, isactive=action != "activate", by=None)
    before = Pause.objects.count()
    switch(viewer, action, vm)
    assert shown(vm).isactive == (action != "activate")
    assert Pause.objects.count() == before
    switch(operator("switcher", "subscription.view_subscription", "subscription.switch_subscription"), action, vm)
    assert shown(vm).isactive == (action == "activate")


def test_an_act_wants_a_csrf_token(root, vm):
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    assert client.post(page(SUBSCRIPTION, "price", vm.pk), {"price": "5"}).status_code == 403
    said = {"action": "deactivate", "_selected_action": vm.pk}
    assert client.post(page(SUBSCRIPTION, "changelist"), said).status_code == 403
    assert (shown(vm).price, shown(vm).isactive) == (450, True)


def test_switching_moves_the_job_and_names_the_operator(root, vm, fake_clock):
    fake_clock.at(60)
    assert switch(root, "deactivate", vm, reason="unpaid") == ["Deactivated. 1 of the chosen subscriptions changed."]
    assert shown(vm).paused_because == "deactivated"
    assert (vm.pauses.get().paused_on, vm.pauses.get().paused_by) == ("deactivation", root)
    assert last_log() == ("root", "Deactivated. Reason: unpaid")
    fake_clock.at(660)
    assert switch(root, "activate", vm) == ["Activated. 1 of the chosen subscriptions changed."]
    assert shown(vm).next_invoice_at is not None
    assert (vm.pauses.get().resumed_on, vm.pauses.get().resumed_by) == ("activation", root)
    assert last_log() == ("root", "Activated.")


def test_the_subscriptions_of_one_account_are_switched_at_one_instant(root, make_customer):
    bob = make_customer("bob", credit=9)
    chosen = [subscriptions.create(customer=bob, name="DB", price=5, isactive=True, by=bob) for _ in range(2)]
    switch(root, "deactivate", *chosen)
    first, second = Pause.objects.values_list("paused_at", flat=True)
    assert first == second


def test_switching_what_is_so_already_records_nothing(root, vm):
    assert switch(root, "activate", vm) == ["Activated. 0 of the chosen subscriptions changed."]
    assert not Pause.objects.exists()
    assert not LogEntry.objects.exists()


def test_an_account_set_aside_is_reported_and_the_others_are_switched(root, make_customer, ada, vm):
    bob, cyd = make_customer("bob", credit=9), make_customer("cyd", credit=9)
    theirs = [
        subscriptions.create(customer=customer, name="DB", price=5, isactive=True, by=None)
        for customer in (bob, bob, cyd, cyd)
    ]
    accounts.set_aside(customer_id=bob.pk, error="broken")
    assert switch(root, "deactivate", vm, *theirs) == [
        "bob: This account is being repaired. Please try again later.",
        "Deactivated. 3 of the chosen subscriptions changed.",
    ]
    assert [shown(each).isactive for each in (vm, *theirs)] == [False, True, True, False, False]
    assert LogEntry.objects.count() == 3


def test_an_account_that_turns_out_broken_is_set_aside_and_reported(root, ada, vm):
    DjangoJob.objects.filter(pk=str(vm.pk)).delete()
    assert "ada: This account is being repaired. Please try again later." in switch(root, "deactivate", vm)
    assert "no job" in SetAside.objects.get().error
    assert shown(vm).isactive
    assert not LogEntry.objects.exists()


def test_a_top_up_resumes_what_was_paused_and_the_record_names_the_operator(root, ada):
    vm = subscriptions.create(customer=ada, name="VM", price=1050, isactive=True, by=ada)
    assert vm.paused_because == "insufficient_credit"
    act(logged_in(root), page("customer_customer", "top-up", ada.pk), {"amount": "50"})
    assert shown(vm).next_invoice_at is not None
    assert (vm.pauses.get().resumed_on, vm.pauses.get().resumed_by) == ("top_up", root)


def test_a_customer_with_a_subscription_stays(root, make_customer, fake_clock):
    bob = make_customer("bob")
    db = subscriptions.create(customer=bob, name="DB", price=5, isactive=True, by=bob)
    answer = act(logged_in(root), page("customer_customer", "delete", bob.pk))
    assert "A customer with ledger entries or subscriptions stays" in answer.content.decode()
    assert Subscription.objects.with_job().get() == db
    assert not LogEntry.objects.exists()


def test_a_price_change_is_recorded_and_logged(root, ada, vm, fake_clock, run_pass):
    fake_clock.at(600)  # what is due is billed at the old price
    answer = act(logged_in(root), page(SUBSCRIPTION, "price", vm.pk), {"price": "551", "reason": "inflation"})
    assert answer.url == page(SUBSCRIPTION, "change", vm.pk)
    change = PriceChange.objects.get()
    assert (change.previous, change.price, change.by) == (450, 551, root)
    assert [invoice.amount for invoice in vm.invoices.all()] == [450]
    assert shown(vm).paused_because == "insufficient_credit"
    assert last_log() == ("root", "The price is 551. Reason: inflation")


@pytest.mark.parametrize("price", ["0", "-1", "1.5", "", str(MAX_MONEY + 1), "x"])
def test_a_price_that_makes_no_sense_is_an_error_on_the_form(root, vm, price):
    answer = act(logged_in(root), page(SUBSCRIPTION, "price", vm.pk), {"price": price})
    assert answer.status_code == 200
    assert "price" in answer.context["form"].errors
    assert shown(vm).price == 450


def test_a_subscription_added_in_the_admin_has_its_job(root, ada):
    said = {"customer": ada.pk, "name": "DB", "price": "1001", "isactive": "on", "reason": "by telephone"}
    answer = act(logged_in(root), page(SUBSCRIPTION, "add"), said)
    db = Subscription.objects.with_job().get()
    assert answer.url == page(SUBSCRIPTION, "change", db.pk)
    assert (db.customer, db.name, db.price, db.isactive) == (ada, "DB", 1001, True)
    assert (db.paused_because, db.pauses.get().paused_by) == ("insufficient_credit", root)
    assert last_log() == ("root", "Created at a price of 1001. Reason: by telephone")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"customer": ""}, "customer"),
        ({"customer": "0"}, "customer"),
        ({"customer": "x"}, "customer"),
        ({"customer": "9" * 30}, "customer"),
        ({"name": "x" * 33}, "name"),
        ({"name": " "}, "name"),
        ({"price": "0"}, "price"),
    ],
)
def test_an_order_that_makes_no_sense_is_an_error_on_the_form(root, ada, said, field):
    answer = act(logged_in(root), page(SUBSCRIPTION, "add"), {"customer": ada.pk, "name": "DB", "price": "5", **said})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not Subscription.objects.exists()


def test_one_subscription_too_many_is_an_error_on_the_form(root, ada, vm, monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST_PER_CUSTOMER", 1)
    answer = act(logged_in(root), page(SUBSCRIPTION, "add"), {"customer": ada.pk, "name": "DB", "price": "5"})
    assert answer.status_code == 200
    assert "A customer has at most" in answer.content.decode()
    assert Subscription.objects.get() == vm
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["price", "delete"])
def test_an_account_set_aside_refuses_on_the_form(root, vm, name):
    accounts.set_aside(customer_id=vm.customer_id, error="broken")
    answer = act(logged_in(root), page(SUBSCRIPTION, name, vm.pk), {"price": "5"})
    assert answer.status_code == 200
    assert "This account is being repaired." in answer.content.decode()


def test_a_subscription_that_is_due_but_not_billed_yet_stays(root, vm, fake_clock):
    fake_clock.at(600)
    answer = act(logged_in(root), page(SUBSCRIPTION, "delete", vm.pk))
    assert "A subscription with invoices stays" in answer.content.decode()
    assert Subscription.objects.with_job().get().next_invoice_at is not None


def test_a_subscription_that_was_never_billed_goes_with_its_job_and_records(root, vm):
    subscriptions.change_price(customer_id=vm.customer_id, subscription_id=vm.pk, price=2000, by=root)
    assert vm.pauses.exists()
    answer = act(logged_in(root), page(SUBSCRIPTION, "delete", vm.pk), {"reason": "a mistake"})
    assert answer.url == page(SUBSCRIPTION, "changelist")
    for model in (Subscription, DjangoJob, Pause, PriceChange):
        assert not model.objects.exists()
    assert last_log() == ("root", "Deleted. Reason: a mistake")


def test_no_list_deletes_in_bulk(root, vm):
    switch(root, "delete_selected", vm, post="yes")
    assert shown(vm) == vm


@pytest.mark.parametrize("model", [PAUSE, PRICE])
def test_nobody_adds_edits_or_deletes_a_record(root, vm, model):
    subscriptions.change_price(customer_id=vm.customer_id, subscription_id=vm.pk, price=2000, by=root)
    before = [list(records.objects.values()) for records in (Pause, PriceChange)]
    pk = before[0][0]["id"] if model == PAUSE else before[1][0]["id"]
    client = logged_in(root)
    assert client.post(page(model, "add"), {"price": "5"}).status_code == 403
    assert client.post(page(model, "change", pk), {"price": "5"}).status_code == 403
    assert client.post(page(model, "delete", pk), {"post": "yes"}).status_code == 403
    client.post(page(model, "changelist"), {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
    assert [list(records.objects.values()) for records in (Pause, PriceChange)] == before
    assert 'name="_save"' not in client.get(page(model, "change", pk)).content.decode()
