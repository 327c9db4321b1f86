"""The pages of the admin: an act in its steps, nothing from another host, and no class that the style sheet lacks."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from customer import accounts, customers
from customer.models import Account, Customer, LedgerEntry
from customer.tests.operators import act, hidden, logged_in, operator, page, superuser
from subscription import subscriptions
from subscription.models import Subscription

CUSTOMER, SUBSCRIPTION = "customer_customer", "subscription_subscription"
OURS = sorted(Path(__file__).parent.parent.glob("templates/customer/admin/*.html"))


@pytest.fixture
def client(db):
    return logged_in(superuser())


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer(credit=100)


@pytest.fixture
def vm(ada):
    return subscriptions.create(customer=ada, name="VM", price=5, isactive=True, by=ada)


def test_a_form_is_confirmed_before_anything_happens(client, ada):
    asked = client.post(page(CUSTOMER, "top-up", ada.pk), {"amount": "5", "reason": "<b>cash</b>"})
    assert asked.context["values"] == [("Amount", "5"), ("Reason", "<b>cash</b>")]
    assert "&lt;b&gt;cash&lt;/b&gt;" in asked.content.decode()
    assert "Confirm: Top up" in asked.content.decode()
    assert LedgerEntry.objects.count() == 1
    said = hidden(asked)
    assert (said["amount"], said["reason"], said["_confirmed"]) == (["5"], ["<b>cash</b>"], ["yes"])
    assert client.post(page(CUSTOMER, "top-up", ada.pk), said).status_code == 302
    assert Account.objects.get(pk=ada.pk).credit == 105


def test_one_goes_back_from_a_confirmation_to_the_form_as_it_was(client, ada):
    url = page(CUSTOMER, "top-up", ada.pk)
    back = client.post(url, hidden(client.post(url, {"amount": "5", "reason": "cash"})) | {"_edit": "yes"})
    assert 'value="5"' in back.content.decode()
    assert "_confirmed" not in hidden(back)
    assert not back.context["form"].errors
    assert Account.objects.get(pk=ada.pk).credit == 100


def test_a_confirmation_is_checked_like_a_form(client, ada):
    url = page(CUSTOMER, "top-up", ada.pk)
    answer = client.post(url, {"amount": "0", "_confirmed": "yes"})
    assert answer.status_code == 200
    assert "amount" in answer.context["form"].errors
    assert "_confirmed" not in hidden(answer)
    assert Account.objects.get(pk=ada.pk).credit == 100


def test_an_order_is_confirmed_with_what_it_says(client, ada):
    said = {"customer": ada.pk, "name": "DB", "price": "7"}  # without isactive: switched off
    asked = client.post(page(SUBSCRIPTION, "add"), said)
    assert ("Customer", "ada") in asked.context["values"]
    assert ("Active", "No") in asked.context["values"]
    act(client, page(SUBSCRIPTION, "add"), said)
    assert (Subscription.objects.get().name, Subscription.objects.get().isactive) == ("DB", False)


def test_a_subscription_offers_the_switch_that_it_lacks(client, vm):
    def offered():
        return [tool["title"] for tool in client.get(page(SUBSCRIPTION, "change", vm.pk)).context["acts"]]

    assert offered() == ["Deactivate", "Change price"]
    act(client, page(SUBSCRIPTION, "deactivate", vm.pk))
    assert offered() == ["Activate", "Change price"]
    again = act(client, page(SUBSCRIPTION, "deactivate", vm.pk))
    assert "It is not active already." in again.content.decode()
    assert vm.pauses.count() == 1


def test_the_chosen_subscriptions_are_named_before_they_are_switched(client, ada, vm):
    chosen = {"action": "deactivate", "_selected_action": [vm.pk]}
    asked = client.post(page(SUBSCRIPTION, "changelist"), chosen)
    assert asked.context["preview"] == [f"{vm} of ada"]
    assert Subscription.objects.get(pk=vm.pk).isactive
    said = hidden(asked)
    assert (said["action"], said["_selected_action"]) == (["deactivate"], [str(vm.pk)])
    too_long = client.post(page(SUBSCRIPTION, "changelist"), said | {"reason": "x" * 201})
    assert "at most 200 characters" in too_long.content.decode()
    assert Subscription.objects.get(pk=vm.pk).isactive
    assert client.post(page(SUBSCRIPTION, "changelist"), said | {"reason": "unpaid"}).status_code == 302
    assert not Subscription.objects.get(pk=vm.pk).isactive


def test_too_many_at_once_are_refused(client, ada, vm, monkeypatch):
    monkeypatch.setattr("subscription.admin_switch.MOST_AT_ONCE", 1)
    other = subscriptions.create(customer=ada, name="DB", price=5, isactive=True, by=ada)
    chosen = {"action": "deactivate", "_selected_action": [vm.pk, other.pk], "_confirmed": "yes"}
    answer = client.post(page(SUBSCRIPTION, "changelist"), chosen, follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["Choose at most 1 subscriptions at once."]
    assert Subscription.objects.filter(isactive=True).count() == 2


def addresses(ada, vm):
    """A page of each kind."""
    accounts.set_aside(customer_id=ada.pk, error="broken")
    models = ["customer_customer", "customer_ledgerentry", "customer_setaside", "subscription_subscription"]
    models += ["subscription_pause", "subscription_pricechange", "invoice_invoice", "django_apscheduler_djangojob"]
    models += ["admin_logentry", "auth_group"]
    yield from ["/admin/", "/admin/customer/", "/admin/password_change/"]
    for model in models:
        yield page(model, "changelist")
    for name in ("change", "history", "delete", "top-up", "adjust"):
        yield page(CUSTOMER, name, ada.pk)
    for name in ("change", "history", "delete", "price", "deactivate"):
        yield page(SUBSCRIPTION, name, vm.pk)
    yield from [page(CUSTOMER, "add"), page(SUBSCRIPTION, "add"), page("auth_group", "add")]
    yield from [page("customer_setaside", name, ada.pk) for name in ("change", "retry", "repair")]
    yield f"/admin/customer/customer/{ada.pk}/password/"


def test_no_page_asks_another_host_for_anything(client, ada, vm):
    pages = [(url, client.get(url)) for url in addresses(ada, vm)]
    pages.append(("login", Client().get("/admin/login/")))
    pages.append(("confirmation", client.post(page(CUSTOMER, "adjust", ada.pk), {"amount": "5", "reason": "x"})))
    for url, answer in pages:
        assert (url, answer.status_code) == (url, 200)
        shown = answer.content.decode()
        assert "unfold/css/styles.css" in shown, url
        asked = re.findall(r"""(?:src|href|action|hx-get|srcset)=["']?([^"'\s>]+)|url\(["']?([^"')]+)""", shown)
        addressed = [first or second for first, second in asked]
        assert [address for address in addressed if re.match(r"(?:[a-z]+:)?//", address)] == [], url


def test_the_style_sheets_ask_no_other_host_either():
    for name in ("css/styles.css", "fonts/inter/styles.css", "fonts/material-symbols/styles.css"):
        style = Path(finders.find(f"unfold/{name}")).read_text("utf-8")
        assert not re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", style), name


@pytest.mark.once
@pytest.mark.parametrize("template", OURS, ids=lambda path: path.name)
def test_our_templates_use_classes_of_the_shipped_style_sheet_and_no_script_of_their_own(template):
    text = template.read_text("utf-8")
    style = Path(finders.find("unfold/css/styles.css")).read_text("utf-8").replace("\\", "")
    for classes in re.findall(r'class="([^"]*)"', re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", text)):
        for each in classes.split():
            assert f".{each}" in style, each
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=|javascript:", text)


def test_a_list_says_so_where_it_stopped_counting(client, ada, monkeypatch):
    assert "2 customers" in client.get(page(CUSTOMER, "changelist")).content.decode()
    monkeypatch.setattr("customer.admin_lists.BoundedPaginator.MOST", 2)
    shown = client.get(page(CUSTOMER, "changelist")).content.decode()
    assert "2 or more customers" in shown
    assert "2 results" not in shown


@pytest.mark.parametrize("term", ["AD", "love", "id"])
def test_a_customer_is_found_from_any_page(client, ada, term):
    Customer.objects.filter(pk=ada.pk).update(last_name="Lovelace")
    found = client.get("/admin/search/", {"extended": "1", "s": str(ada.pk) if term == "id" else term})
    assert f'href="{page(CUSTOMER, "change", ada.pk)}"' in found.content.decode()


def test_the_search_finds_for_each_what_they_may_see_and_only_so_many(ada, monkeypatch):
    said = {"extended": "1", "s": "ad"}
    found = logged_in(operator("other", "invoice.view_invoice")).get("/admin/search/", said)
    assert page(CUSTOMER, "change", ada.pk) not in found.content.decode()
    monkeypatch.setattr("customer.admin_search.MOST", 1)
    latest = customers.register(username="adele", password="correct horse")
    found = logged_in(operator("viewer", "customer.view_customer")).get("/admin/search/", said).content.decode()
    assert page(CUSTOMER, "change", latest.pk) in found
    assert page(CUSTOMER, "change", ada.pk) not in found


@pytest.mark.parametrize("number", ["2", "x", "-1", ""])
def test_the_search_has_one_page(client, number):
    assert client.get("/admin/search/", {"s": "a", "page": number}).status_code == 404


def test_a_second_click_tops_up_no_second_time(client, ada):
    url = page(CUSTOMER, "top-up", ada.pk)
    said = hidden(client.post(url, {"amount": "5"}))
    assert client.post(url, said).status_code == 302
    again = client.post(url, said)
    assert "The account has changed since this was shown to you: look again." in again.content.decode()
    assert Account.objects.get(pk=ada.pk).credit == 105
    assert act(client, url, {"amount": "5"}).status_code == 302, "meant so, it is done again"


def test_a_second_click_orders_no_second_time(client, ada):
    said = hidden(client.post(page(SUBSCRIPTION, "add"), {"customer": ada.pk, "name": "DB", "price": "7"}))
    answers = [client.post(page(SUBSCRIPTION, "add"), said).status_code for _ in range(2)]
    assert answers == [302, 200]
    assert Subscription.objects.count() == 1
