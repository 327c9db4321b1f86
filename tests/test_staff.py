"""Staff who may edit customers, and try to be more: forms are posted by hand, and nothing comes of it."""

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.test import Client
from rest_framework.test import APIClient

from customer.models import Customer
from tests.fixtures import PASSWORD

WHAT_MAKES_POWER = ("username", "password", "email", "is_active", "is_staff", "is_superuser")


@pytest.fixture
def boss(db):
    return Customer.objects.create_superuser("boss", "boss@example.org", PASSWORD)


@pytest.fixture
def colleague(db):
    return Customer.objects.create_user("colleague", password=PASSWORD, is_staff=True)


@pytest.fixture
def ada(make_customer):
    return make_customer("ada", credit=10)


@pytest.fixture(params=["the group of operators", "every permission there is"])
def mallory(request, db):
    """An operator who is no superuser, with all that one can have."""
    mallory = Customer.objects.create_user("mallory", password=PASSWORD, is_staff=True)
    if request.param == "the group of operators":
        mallory.groups.add(Group.objects.get(name="billing operator"))
    else:
        mallory.user_permissions.set(Permission.objects.all())
    return mallory


@pytest.fixture
def session(mallory):
    client = Client()
    client.force_login(mallory)
    return client


def power():
    """Who can do what, and as whom."""
    rows = Customer.objects.order_by("pk")
    return [
        (
            {name: getattr(row, name) for name in WHAT_MAKES_POWER},
            sorted(row.groups.values_list("name", flat=True)),
            sorted(row.user_permissions.values_list("pk", flat=True)),
        )
        for row in rows
    ], {group.name: sorted(group.permissions.values_list("pk", flat=True)) for group in Group.objects.all()}


def everything():
    """All that gives power, as a form would say it."""
    return {
        "is_staff": "on",
        "is_superuser": "on",
        "groups": list(Group.objects.values_list("pk", flat=True)),
        "user_permissions": list(Permission.objects.values_list("pk", flat=True)[:5]),
    }


NEW = {"usable_password": "true", "password1": "mallorys horse", "password2": "mallorys horse"}
AGAINST_THE_POWERFUL = {
    # name: path below the customer's page, what is posted
    "the password form": ("password/", NEW),
    "the password form without a password": ("password/", NEW | {"usable_password": "false", "unset-password": "1"}),
    "another name": ("change/", {"username": "gone", "is_active": "on"}),
    "another address for mail": ("change/", {"username": "boss", "email": "mallory@example.org", "is_active": "on"}),
    "deactivation": ("change/", {"username": "boss"}),
    "a hash in the form": ("change/", {"username": "boss", "password": make_password("mallorys horse")}),
    "deletion": ("delete/", {"post": "yes", "reason": "", "_confirmed": "1"}),
}


@pytest.mark.parametrize("victim", ["boss", "colleague", "mallory"])
@pytest.mark.parametrize("attack", AGAINST_THE_POWERFUL)
def test_nobody_but_a_superuser_touches_who_has_privileges(boss, colleague, mallory, session, attack, victim):
    before = power()
    path, form = AGAINST_THE_POWERFUL[attack]
    pk = Customer.objects.get(username=victim).pk
    answer = session.post(f"/admin/customer/customer/{pk}/{path}", form)
    assert answer.status_code == 403
    assert power() == before


def test_a_form_cannot_make_a_customer_powerful(boss, ada, session):
    before = power()
    form = {"username": "ada", "first_name": "new", "is_active": "on", **everything()}
    assert session.post(f"/admin/customer/customer/{ada.pk}/change/", form).status_code == 302
    ada.refresh_from_db()
    assert ada.first_name == "new"  # the form was taken, but for what gives power
    assert power() == before


def test_a_form_cannot_set_a_hash_or_what_only_the_service_writes(boss, ada, session):
    before = Customer.objects.values().get(pk=ada.pk)
    form = {
        "username": "ada",
        "is_active": "on",
        "password": make_password("mallorys horse"),
        "id": boss.pk,
        "pk": boss.pk,
        "username_folded": "boss",
        "credit": "1000000",
        "last_login_0": "2000-01-01",
        "date_joined_0": "2000-01-01",
    }
    assert session.post(f"/admin/customer/customer/{ada.pk}/change/", form).status_code == 302
    assert Customer.objects.values().get(pk=ada.pk) == before
    ada = Customer.objects.get(pk=ada.pk)
    assert ada.credit == 10


def test_a_new_customer_is_not_born_powerful(boss, session):
    form = {"username": "eve", "is_active": "on", **NEW, **everything()}
    assert session.post("/admin/customer/customer/add/", form).status_code == 302
    eve = Customer.objects.get(username="eve")
    assert (eve.is_staff, eve.is_superuser) == (False, False)
    assert eve.groups.count() == eve.user_permissions.count() == 0


@pytest.mark.parametrize("name", ["boss", "BOSS", "ｂｏｓｓ", "Boss"])
def test_nobody_takes_the_name_of_a_superuser(boss, ada, session, name):
    before = power()
    assert session.post(f"/admin/customer/customer/{ada.pk}/change/", {"username": name, "is_active": "on"}).context
    form = {"username": name, "is_active": "on", **NEW}
    assert session.post("/admin/customer/customer/add/", form).status_code == 200
    answer = APIClient().post("/customer/register/", {"username": name, "password": PASSWORD})
    assert answer.status_code == 400
    assert power() == before


def test_groups_are_a_superusers(boss, mallory, session):
    group = Group.objects.get(name="billing operator")
    mallory.groups.add(group)
    before = power()
    form = {"name": "billing operator", "permissions": list(Permission.objects.values_list("pk", flat=True))}
    for path in (f"{group.pk}/change/", "add/", f"{group.pk}/delete/"):
        assert session.post(f"/admin/auth/group/{path}", form | {"post": "yes"}).status_code == 403
    assert power() == before


@pytest.mark.parametrize("action", ["delete_selected", "make_superuser", ""])
def test_no_action_of_a_list_touches_anybody(boss, ada, session, action):
    before = power()
    form = {"action": action, "_selected_action": [boss.pk, ada.pk], "post": "yes", "select_across": "1", "index": "0"}
    session.post("/admin/customer/customer/", form | {"form-TOTAL_FORMS": "1", "form-0-is_superuser": "on"})
    assert power() == before


@pytest.mark.parametrize(
    "query",
    [
        "?password__startswith=argon2",
        "?account__customer__password__startswith=a",
        "?by__password__startswith=a",
        "?subscription__customer__password__startswith=a",
        "?customer__password__startswith=a",
        "?user__password__startswith=a",
        "?groups__user__password__startswith=a",
        "?_to_field=password",
    ],
)
@pytest.mark.parametrize("export", ["", "export/"])
@pytest.mark.parametrize(
    "model",
    ["customer/customer", "customer/ledgerentry", "customer/setaside", "subscription/subscription", "invoice/invoice"],
)
def test_no_filter_guesses_a_hash(ada, session, model, query, export):
    """Each answer would tell a letter of it."""
    answer = session.get(f"/admin/{model}/{export}{query}")
    assert answer.status_code in (302, 400, 403)
    if answer.status_code == 302:
        assert answer["Location"].endswith("?e=1")


def test_no_page_shows_a_hash(boss, ada, session):
    for pk in (boss.pk, ada.pk):
        hashed = Customer.objects.get(pk=pk).password
        for path in ("change/", "history/", "password/"):
            page = session.get(f"/admin/customer/customer/{pk}/{path}").content.decode()
            assert hashed not in page
    for path in ("", "export/"):
        answer = session.get(f"/admin/customer/customer/{path}")
        assert hashed not in answer.getvalue().decode()


@pytest.mark.parametrize("extra", [{"is_staff": True, "is_superuser": True}, {"id": 1}, {"groups": [1]}])
def test_the_api_registers_customers_alone(boss, extra):
    body = {"username": "eve", "password": PASSWORD} | extra
    assert APIClient().post("/customer/register/", body, format="json").status_code == 201
    eve = Customer.objects.get(username="eve")
    assert (eve.is_staff, eve.is_superuser, eve.groups.count()) == (False, False, 0)
    assert eve.pk != boss.pk


@pytest.mark.parametrize("who", ["ada", "colleague"])
def test_no_customer_and_no_staff_without_permissions_sees_the_admin(ada, colleague, boss, who):
    client = Client()
    client.force_login(Customer.objects.get(username=who))
    for path in ("customer/customer/", f"customer/customer/{boss.pk}/change/", "auth/group/", "admin/logentry/"):
        assert client.get(f"/admin/{path}").status_code in (302, 403)
        assert client.post(f"/admin/{path}", {"username": "x"}).status_code in (302, 403)


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/", "javascript:x", "/\\evil.example"])
def test_a_login_leads_nowhere_else(boss, there):
    answer = Client().post(f"/admin/login/?next={there}", {"username": "boss", "password": PASSWORD, "next": there})
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"
