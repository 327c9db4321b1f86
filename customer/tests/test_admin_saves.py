"""Forms of the admin beside others who change the same row: what the form changed is written, and nothing else."""

from contextlib import nullcontext

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.forms import ModelForm
from django.http import HttpResponse
from django.test import Client
from rest_framework.test import APIClient

from customer import customers
from customer.admin_forms import CustomerChangeForm
from customer.models import Customer
from customer.tests.operators import act, hidden, last_log, logged_in, page, superuser
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import PASSWORD

CUSTOMER, GROUP, SUBSCRIPTION = "customer_customer", "auth_group", "subscription_subscription"
MEANWHILE = "This was changed meanwhile: load the page anew."


@pytest.fixture
def client(db):
    return logged_in(superuser())


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer(credit=100)


def filled_in(shown: HttpResponse, **said: object) -> dict[str, object]:
    """What a browser posts of a form's page, where `said` was changed; None is an empty box."""
    form: ModelForm = shown.context["adminform"].form
    values = {bound.html_name: bound.value() for bound in form if not bound.field.disabled}
    asked = {**values, **hidden(shown), **said}
    return {name: value for name, value in asked.items() if value not in (None, False)}


def changed_password(customer: Customer) -> None:
    customers.change_password(Customer.objects.get(pk=customer.pk), old=PASSWORD, new="another horse")


def test_a_save_leaves_a_password_that_is_changed_while_it_is_under_way(client, ada, monkeypatch):
    login = {"username": "ada", "password": PASSWORD}
    old = APIClient().post("/customer/login/", login, format="json").json()["access"]
    url = page(CUSTOMER, "change", ada.pk)
    said = filled_in(client.get(url), first_name="Ada")

    def looks_at_the_name(form: CustomerChangeForm) -> str:
        changed_password(ada)  # after the form has read the row
        return form.cleaned_data["username"]

    monkeypatch.setattr(CustomerChangeForm, "clean_username", looks_at_the_name)
    assert client.post(url, said).status_code == 302
    ada.refresh_from_db()
    assert ada.first_name == "Ada"
    assert ada.check_password("another horse"), "the save brought the old password back"
    profile = APIClient().get("/customer/profile/", headers={"Authorization": f"Bearer {old}"})
    assert profile.status_code == 401, "with the old password its tokens live again"


def test_a_save_leaves_what_others_changed_since_the_form_was_shown(client, ada):
    group = Group.objects.create(name="bosses")
    url = page(CUSTOMER, "change", ada.pk)
    said = filled_in(client.get(url), email="ada@example.org")
    Customer.objects.filter(pk=ada.pk).update(first_name="Augusta", is_active=False)
    changed_password(ada)
    ada.groups.add(group)
    assert client.post(url, said).status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.first_name, ada.is_active) == ("ada@example.org", "Augusta", False)
    assert ada.check_password("another horse")
    assert list(ada.groups.all()) == [group]
    assert last_log() == ("root", "Changed Email address.")


@pytest.mark.parametrize(
    ("others", "said", "field"),
    [
        ({"first_name": "Augusta"}, {"first_name": "Ada"}, "first_name"),
        ({"username": "augusta"}, {"username": "byron"}, "username"),
        ({"email": "a@example.org"}, {"email": "b@example.org"}, "email"),
    ],
)
def test_what_was_changed_under_a_form_is_refused(client, ada, others, said, field):
    url = page(CUSTOMER, "change", ada.pk)
    said = filled_in(client.get(url), **said)
    Customer.objects.filter(pk=ada.pk).update(**others)
    answer = client.post(url, said)
    assert answer.context["adminform"].form.errors == {field: [MEANWHILE]}
    assert getattr(Customer.objects.get(pk=ada.pk), field) == others[field]
    assert answer.status_code == 200
    assert not LogEntry.objects.exists()
    again = filled_in(client.get(url), **{field: said[field]})
    assert client.post(url, again).status_code == 302, "looked at anew, it is as any other"


@pytest.mark.parametrize(("others", "refused"), [(False, False), (True, True)])
def test_privileges_are_compared_with_those_that_the_form_showed(client, ada, others, refused):
    here, there = Group.objects.create(name="here"), Group.objects.create(name="there")
    url = page(CUSTOMER, "change", ada.pk)
    said = filled_in(client.get(url), groups=[here.pk])
    if others:
        ada.groups.add(there)
    answer = client.post(url, said)
    assert (answer.status_code == 200) == refused
    assert list(ada.groups.all()) == [there if others else here]


def test_two_who_say_the_same_are_no_conflict(client, ada):
    url = page(CUSTOMER, "change", ada.pk)
    said = filled_in(client.get(url), first_name="Ada")
    Customer.objects.filter(pk=ada.pk).update(first_name="Ada")
    assert client.post(url, said).status_code == 302


def test_a_customer_who_was_deleted_meanwhile_does_not_come_back(client, make_customer, monkeypatch):
    grace = make_customer("grace")
    url = page(CUSTOMER, "change", grace.pk)
    said = filled_in(client.get(url), first_name="Grace")

    def looks_at_the_name(form: CustomerChangeForm) -> str:
        customers.delete(customer_id=grace.pk, by=None)
        return form.cleaned_data["username"]

    monkeypatch.setattr(CustomerChangeForm, "clean_username", looks_at_the_name)
    answer = client.post(url, said)
    assert answer.context["adminform"].form.non_field_errors() == [MEANWHILE]
    assert not Customer.objects.filter(pk=grace.pk).exists()


def test_a_group_keeps_what_others_changed_since_its_form_was_shown(client):
    group = Group.objects.create(name="bosses")
    url = page(GROUP, "change", group.pk)
    renamed, repermitted = filled_in(client.get(url), name="chiefs"), filled_in(client.get(url), permissions=[1])
    group.permissions.add(2)
    assert client.post(url, renamed).status_code == 302
    group.refresh_from_db()
    assert (group.name, [each.pk for each in group.permissions.all()]) == ("chiefs", [2])
    answer = client.post(url, repermitted)
    assert answer.context["adminform"].form.errors == {"permissions": [MEANWHILE]}
    assert list(group.permissions.all()) == [Permission.objects.get(pk=2)]


def test_a_price_that_was_changed_since_its_confirmation_is_shown_anew(client, ada):
    vm = subscriptions.create(customer=ada, name="VM", price=5, isactive=True, by=ada)
    url = page(SUBSCRIPTION, "price", vm.pk)
    confirmation = hidden(client.post(url, {"price": "7"}))
    subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=6, by=None)
    answer = client.post(url, confirmation)
    assert "The account has changed since this was shown to you" in answer.content.decode()
    assert Subscription.objects.get(pk=vm.pk).price == 6
    assert act(client, url, {"price": "7"}).status_code == 302
    assert Subscription.objects.get(pk=vm.pk).price == 7


def an_operator_sets_one(client: Client, ada: Customer) -> None:
    said = {"usable_password": "true", "password1": "new horse 1", "password2": "new horse 1", "set-password": "1"}
    assert client.post(f"/admin/customer/customer/{ada.pk}/password/", said).status_code == 302


def a_command_sets_one(client: Client, ada: Customer) -> None:
    call_command("changepassword", "ada")


def staff_change_their_own(client: Client, ada: Customer) -> None:
    Customer.objects.filter(pk=ada.pk).update(is_staff=True)
    said = {"old_password": PASSWORD, "new_password1": "new horse 1", "new_password2": "new horse 1"}
    assert logged_in(ada).post("/admin/password_change/", said).status_code == 302


@pytest.mark.parametrize("way", [an_operator_sets_one, a_command_sets_one, staff_change_their_own])
def test_a_password_that_is_set_is_all_that_is_written(client, ada, monkeypatch, way):
    set_password = Customer.set_password

    def sets_it(customer: Customer, password: str) -> None:
        Customer.objects.filter(pk=ada.pk).update(first_name="Augusta")  # after the form has read the row
        set_password(customer, password)

    monkeypatch.setattr(Customer, "set_password", sets_it)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "new horse 1")
    way(client, ada)
    ada.refresh_from_db()
    assert ada.first_name == "Augusta"
    assert ada.check_password("new horse 1")


@pytest.fixture
def another_hasher(settings):
    """Hashes of before are still understood."""
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.PBKDF2PasswordHasher"]


def test_a_hash_that_is_made_anew_at_login_does_not_undo_a_change_of_password(ada, another_hasher):
    Customer.objects.filter(pk=ada.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    checked = Customer.objects.get(pk=ada.pk)
    Customer.objects.filter(pk=ada.pk).update(password=make_password("another horse"))
    assert checked.check_password(PASSWORD), "it was right when the row was read"
    ada.refresh_from_db()
    assert ada.check_password("another horse")
    assert checked.password != ada.password, "a token made of it would be good"


def test_a_hash_is_made_anew_at_login(ada, another_hasher):
    Customer.objects.filter(pk=ada.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    login = APIClient().post("/customer/login/", {"username": "ada", "password": PASSWORD}, format="json")
    ada.refresh_from_db()
    assert not ada.password.startswith("pbkdf2"), "the hash is as it was"
    headers = {"Authorization": f"Bearer {login.json()['access']}"}
    assert APIClient().get("/customer/profile/", headers=headers).status_code == 200


@pytest.mark.parametrize("loaded", ["whole", "in part", "anew"])
def test_a_customers_save_writes_what_was_changed_since_it_was_read(ada, loaded, django_assert_num_queries):
    read = {"whole": Customer.objects, "in part": Customer.objects.only("username"), "anew": Customer.objects}[loaded]
    customer = read.get(pk=ada.pk)
    if loaded == "anew":
        customer.refresh_from_db()
    Customer.objects.filter(pk=ada.pk).update(first_name="Augusta", password="!")
    customer.username, customer.last_name = "Ada", "Lovelace"
    customer.save()
    customer.email = "unsaved@example.org"
    customer.save(update_fields=["last_name"])
    now = Customer.objects.get(pk=ada.pk)
    assert (now.username, now.first_name, now.last_name, now.password, now.email) == (
        *("Ada", "Augusta", "Lovelace", "!", ""),
    )
    customer.save()
    assert Customer.objects.get(pk=ada.pk).email == "unsaved@example.org"
    with nullcontext() if loaded == "in part" else django_assert_num_queries(0):
        customer.save()


def test_a_column_that_is_read_later_loses_no_change_of_another(ada):
    customer = Customer.objects.only("username").get(pk=ada.pk)
    customer.last_name = "Lovelace"
    assert customer.first_name == ""
    customer.refresh_from_db(fields=["email"])
    customer.save()
    assert Customer.objects.get(pk=ada.pk).last_name == "Lovelace"


def test_a_customer_who_was_made_in_bulk_is_written_whole(db):
    (grace,) = Customer.objects.bulk_create([Customer(username="grace")])
    grace.first_name = "Grace"
    grace.save()
    assert Customer.objects.get(username="grace").first_name == "Grace"
