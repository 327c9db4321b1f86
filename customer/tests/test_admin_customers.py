"""Customers in the admin: added with their accounts, deleted without their books, and kept from privileges."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from customer import customers
from customer.admin_forms import CustomerChangeForm, CustomerCreationForm
from customer.models import Account, Customer, LedgerEntry
from customer.tests.operators import act, last_log, logged_in, operator, page, superuser

CUSTOMER = "customer_customer"


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def ada(make_customer):
    return make_customer(credit=100)


def new(username, **said):
    return {"username": username, "usable_password": "true", "password1": "ali1380", "password2": "ali1380", **said}


def test_a_customer_added_in_the_admin_has_an_account_and_can_log_in(root):
    answer = logged_in(root).post(page(CUSTOMER, "add"), new("grace", first_name="Grace"))
    grace = Customer.objects.get(username="grace")
    assert answer.url == page(CUSTOMER, "change", grace.pk)
    assert (grace.first_name, grace.credit, grace.is_staff) == ("Grace", 0, False)
    login = Client().post("/customer/login/", {"username": "grace", "password": "ali1380"})
    assert login.status_code == 200


@pytest.mark.parametrize("username", ["ada", "ADA", "ａｄａ"])
def test_a_name_is_taken_whatever_its_case(root, ada, username):
    client = logged_in(root)
    answer = client.post(page(CUSTOMER, "add"), new(username))
    assert "A customer with that username already exists." in answer.content.decode()
    customers.register(username="grace", password="correct horse")
    grace = Customer.objects.get(username="grace")
    answer = client.post(page(CUSTOMER, "change", grace.pk), {"username": username, "is_active": "1"})
    assert "A customer with that username already exists." in answer.content.decode()
    assert Customer.objects.count() == 3


@pytest.mark.parametrize("form", [CustomerCreationForm, CustomerChangeForm])
def test_a_name_that_is_taken_after_the_form_looked_is_an_error_too(root, ada, make_customer, monkeypatch, form):
    grace = make_customer("grace")
    monkeypatch.setattr(form, "clean_username", lambda form: form.cleaned_data["username"])
    url, said = (page(CUSTOMER, "add"), new("ADA"))
    if form == CustomerChangeForm:
        url, said = page(CUSTOMER, "change", grace.pk), {"username": "ADA", "is_active": "1"}
    answer = logged_in(root).post(url, said, follow=True)
    assert answer.redirect_chain == [(url, 302)]
    assert [str(message) for message in answer.context["messages"]] == ["A customer with that username already exists."]
    assert Customer.objects.filter(username_folded="ada").get() == ada
    assert not LogEntry.objects.exists()


def test_a_customer_keeps_the_account_when_edited(root, ada):
    said = {"username": "Ada", "first_name": "Ada", "email": "ada@example.org"}  # without is_active: deactivated
    assert logged_in(root).post(page(CUSTOMER, "change", ada.pk), said).status_code == 302
    ada.refresh_from_db()
    assert (ada.username, ada.email, ada.is_active, ada.credit) == ("Ada", "ada@example.org", False, 100)


def test_a_customer_with_books_stays(root, ada):
    answer = act(logged_in(root), page(CUSTOMER, "delete", ada.pk))
    assert "A customer with ledger entries or subscriptions stays" in answer.content.decode()
    assert Account.objects.get(pk=ada.pk).credit == 100
    assert LedgerEntry.objects.get().account_id == ada.pk
    assert not LogEntry.objects.exists()


def test_a_customer_without_books_goes_with_the_account(root, make_customer):
    grace = make_customer("grace")
    answer = act(logged_in(root), page(CUSTOMER, "delete", grace.pk), {"reason": "asked to"})
    assert answer.url == page(CUSTOMER, "changelist")
    assert not Customer.objects.filter(pk=grace.pk).exists()
    assert not Account.objects.filter(pk=grace.pk).exists()
    assert last_log() == ("root", "Deleted. Reason: asked to")


def test_an_operator_in_the_log_stays(root, ada):
    member = operator("cashier", "customer.view_customer", "customer.top_up_account")
    LogEntry.objects.log_actions(member.pk, [ada], 2, "Looked.")
    answer = act(logged_in(root), page(CUSTOMER, "delete", member.pk))
    assert "An operator whose acts are in the log stays" in answer.content.decode()
    assert LogEntry.objects.get().user == member


def test_no_list_deletes_in_bulk(root, make_customer):
    grace = make_customer("grace")
    said = {"action": "delete_selected", "_selected_action": grace.pk, "post": "yes"}
    logged_in(root).post(page(CUSTOMER, "changelist"), said)
    assert Customer.objects.filter(pk=grace.pk).exists()


@pytest.fixture
def editor(db):
    rights = ("view_customer", "add_customer", "change_customer", "delete_customer")
    return operator("editor", *(f"customer.{right}" for right in rights))


def test_an_editor_cannot_give_privileges(editor, ada):
    group = Group.objects.create(name="bosses")
    grab = {"is_staff": "1", "is_superuser": "1", "groups": [group.pk], "user_permissions": [1, 2]}
    client = logged_in(editor)
    said = {"username": "ada", "is_active": "1", **grab}
    assert client.post(page(CUSTOMER, "change", ada.pk), said).status_code == 302
    assert client.post(page(CUSTOMER, "add"), new("grace", **grab)).status_code == 302
    for customer in Customer.objects.filter(username__in=["ada", "grace"]):
        assert not customer.is_staff
        assert not customer.is_superuser
        assert not customer.groups.exists()
        assert not customer.user_permissions.exists()


@pytest.mark.parametrize("who", ["root", "colleague", "editor"])
def test_an_editor_cannot_touch_those_who_have_privileges(editor, who):
    superuser()
    operator("colleague")
    member = Customer.objects.get(username=who)
    client = logged_in(editor)
    before = Customer.objects.filter(pk=member.pk).values().get()
    said = {"username": "mallory", "is_superuser": "1"}
    assert client.get(page(CUSTOMER, "change", member.pk)).status_code == 200
    assert client.post(page(CUSTOMER, "change", member.pk), said).status_code == 403
    assert client.post(page(CUSTOMER, "delete", member.pk)).status_code == 403
    password = {"usable_password": "true", "password1": "correct horse", "password2": "correct horse"}
    url = f"/admin/customer/customer/{member.pk}/password/"
    assert client.get(url).status_code == 403
    assert client.post(url, {**password, "set-password": "1"}).status_code == 403
    assert Customer.objects.filter(pk=member.pk).values().get() == before


def test_an_editor_sets_a_customers_password(editor, ada):
    said = {"usable_password": "true", "password1": "new horse 1", "password2": "new horse 1", "set-password": "1"}
    assert logged_in(editor).post(f"/admin/customer/customer/{ada.pk}/password/", said).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password("new horse 1")


def test_a_superuser_gives_privileges_but_does_not_delete_themself(root, ada):
    client = logged_in(root)
    assert client.post(page(CUSTOMER, "change", ada.pk), {"username": "ada", "is_active": "1", "is_staff": "1"})
    ada.refresh_from_db()
    assert ada.is_staff
    assert client.post(page(CUSTOMER, "delete", root.pk)).status_code == 403


def test_a_viewer_does_not_see_the_password_hash(ada):
    shown = logged_in(operator("viewer", "customer.view_customer")).get(page(CUSTOMER, "change", ada.pk))
    assert ada.password not in shown.content.decode()
