"""Who may do what: a permission for each act, and the groups that come with the database."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection

from customer import accounts
from customer.models import Customer
from customer.tests.operators import act, logged_in, operator, page, superuser
from subscription import subscriptions
from tests import servers

CUSTOMER, ASIDE, SUBSCRIPTION = "customer_customer", "customer_setaside", "subscription_subscription"
groups = import_module("customer.migrations.0004_groups_of_operators")

# An act: its page, what is said to it, and the permission that it asks for.
ACTS = {
    "top-up": (CUSTOMER, {"amount": "5"}, "customer.top_up_account"),
    "adjust": (CUSTOMER, {"amount": "-5", "reason": "typo"}, "customer.adjust_account"),
    "retry": (ASIDE, {}, "customer.retry_setaside"),
    "repair": (ASIDE, {}, "customer.repair_setaside"),
    "activate": (SUBSCRIPTION, {}, "subscription.switch_subscription"),
    "deactivate": (SUBSCRIPTION, {}, "subscription.switch_subscription"),
    "price": (SUBSCRIPTION, {"price": "6"}, "subscription.change_price"),
    "delete": (SUBSCRIPTION, {}, "subscription.delete_subscription"),
}
VIEWS = ["customer.view_customer", "customer.view_setaside", "subscription.view_subscription"]


def migrate(step):
    """Takes a step of the migration."""
    step(apps, connection.SchemaEditorClass(connection))


@pytest.fixture(autouse=True)
def _groups(db):
    """As `migrate` leaves them: a test of transactions may have emptied the tables before."""
    migrate(groups.make_groups)


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer(credit=100)


@pytest.fixture
def vm(ada):
    return subscriptions.create(customer=ada, name="VM", price=5, isactive=True, by=ada)


def member_of(group):
    member = operator(group.replace(" ", "-"))
    member.groups.add(Group.objects.get(name=group))
    return member


def doing(member, name, vm):
    """The answer to an act that was filled in and confirmed."""
    model, said, _ = ACTS[name]
    if model == ASIDE:
        accounts.set_aside(customer_id=vm.customer_id, error="broken")
    elif name == "activate":
        subscriptions.set_active(customer_id=vm.customer_id, subscription_id=vm.pk, isactive=False, by=None)
    pk = vm.pk if model == SUBSCRIPTION else vm.customer_id
    return act(logged_in(member), page(model, name, pk), said)


@pytest.mark.parametrize("name", ACTS)
def test_each_act_is_done_by_those_who_have_its_permission(vm, name):
    asked = ACTS[name][2]
    others = {permission for _, _, permission in ACTS.values()} - {asked}
    before = ["customer.change_account", "customer.change_setaside", "subscription.change_subscription"]
    assert doing(operator("nobody"), name, vm).status_code == 403
    assert doing(operator("blind", asked), name, vm).status_code == 403
    assert doing(operator("all-but-this", *VIEWS, *before, *others), name, vm).status_code == 403
    assert doing(member_of("billing viewer"), name, vm).status_code == 403
    assert doing(vm.customer, name, vm).status_code == 302  # to log in
    assert doing(operator("this", *VIEWS, asked), name, vm).status_code == 302


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", ["billing operator", "superuser"])
def test_operators_and_superusers_do_all_acts(vm, name, who):
    member = superuser() if who == "superuser" else member_of(who)
    answer = doing(member, name, vm)
    assert answer.status_code == 302
    assert not answer.url.startswith("/admin/login/")


@pytest.mark.parametrize(
    ("who", "customers", "rows"), [("billing viewer", 403, 403), ("billing operator", 200, 403), ("root", 200, 403)]
)
def test_who_adds_and_edits_customers_and_that_nobody_does_the_books(vm, who, customers, rows):
    client = logged_in(superuser() if who == "root" else member_of(who))
    assert client.get(page(CUSTOMER, "add")).status_code == customers
    edited = client.post(page(CUSTOMER, "change", vm.customer_id), {"username": "ada", "is_active": "1"})
    assert edited.status_code == (302 if customers == 200 else 403)
    for model in ("customer_ledgerentry", "invoice_invoice", "subscription_pause", "admin_logentry", ASIDE):
        assert client.get(page(model, "changelist")).status_code == 200
        assert client.get(page(model, "add")).status_code == rows
    for name in ("add", "change"):
        assert client.post(page("customer_ledgerentry", name, *([1] if name == "change" else []))).status_code == rows


@pytest.mark.parametrize("who", ["billing viewer", "billing operator"])
def test_a_member_reaches_neither_the_groups_nor_privileges(vm, who):
    member = member_of(who)
    rights = ("view_group", "add_group", "change_group", "delete_group", "view_permission")
    member.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    client, group = logged_in(member), Group.objects.get(name=who)
    everything = [permission.pk for permission in Permission.objects.all()]
    for url in (page("auth_group", "changelist"), page("auth_group", "add"), page("auth_group", "change", group.pk)):
        assert client.get(url).status_code == 403
        assert client.post(url, {"name": who, "permissions": everything}).status_code == 403
    said = {"username": "ada", "is_active": "1", "is_staff": "1", "is_superuser": "1", "groups": [group.pk]}
    client.post(page(CUSTOMER, "change", vm.customer_id), said)
    ada = Customer.objects.get(pk=vm.customer_id)
    assert (ada.is_staff, ada.is_superuser, ada.groups.count()) == (False, False, 0)
    assert client.post(page(CUSTOMER, "change", member.pk), said).status_code == 403


@pytest.mark.parametrize("who", ["billing viewer", "billing operator", "root", "nobody"])
def test_the_sidebar_shows_what_one_may_see_and_each_of_it_opens(vm, who):
    made = {"root": superuser, "nobody": lambda: operator("nobody")}
    client = logged_in(made[who]() if who in made else member_of(who))
    sections = client.get("/admin/").context["sidebar_navigation"]
    entries = [item for section in sections for item in section["items"]]
    titles = [item["title"] for item in entries]
    everything = [
        "Dashboard",
        "Customers",
        "Subscriptions",
        "Invoices",
        "Ledger",
        "Pauses",
        "Price changes",
        "Schedule",
    ]
    everything += ["Accounts set aside", "Operators' log", "Groups"]
    assert titles == {"root": everything, "nobody": ["Dashboard"]}.get(who, everything[:-1])
    for item in entries:
        assert (item["title"], client.get(item["link"]).status_code) == (item["title"], 200)


def test_a_fresh_database_has_the_groups():
    with servers.database() as url:
        found = servers.rows(
            url,
            """
            SELECT auth_group.name, app_label, codename FROM auth_group
            JOIN auth_group_permissions ON group_id = auth_group.id
            JOIN auth_permission ON auth_permission.id = permission_id
            JOIN django_content_type ON django_content_type.id = content_type_id
            """,
        )
    for name, permissions in groups.GROUPS.items():
        assert {f"{app}.{codename}" for group, app, codename in found if group == name} == set(permissions)


def test_a_group_that_is_there_already_stays_as_it_is():
    group = Group.objects.get(name="billing viewer")
    group.permissions.set(Permission.objects.filter(codename="view_invoice"))
    migrate(groups.make_groups)
    assert [permission.codename for permission in group.permissions.all()] == ["view_invoice"]


def test_who_could_do_an_act_before_can_do_it_still():
    member = operator("cashier", "customer.change_account")
    mechanics = Group.objects.create(name="mechanics")
    mechanics.permissions.add(Permission.objects.get(codename="change_setaside"))
    migrate(groups.make_groups)
    kept = {"customer.change_account", "customer.top_up_account", "customer.adjust_account"}
    assert Customer.objects.get(pk=member.pk).get_all_permissions() == kept
    codenames = mechanics.permissions.values_list("codename", flat=True)
    assert set(codenames) == {"change_setaside", "retry_setaside", "repair_setaside"}


def test_going_back_removes_what_nobody_changed_or_is_in():
    Group.objects.get(name="billing viewer").permissions.clear()
    migrate(groups.remove_groups)
    assert list(Group.objects.values_list("name", flat=True)) == ["billing viewer"]
    migrate(groups.make_groups)
    member_of("billing operator")
    migrate(groups.remove_groups)
    assert Group.objects.filter(name="billing operator").exists()
