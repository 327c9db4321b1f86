"""Only superusers touch those who have privileges: every act of the admin, on every account of theirs."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from customer.models import Account, Customer, LedgerEntry, SetAside
from customer.tests.operators import act, logged_in, page, superuser
from subscription import subscriptions
from subscription.models import Subscription

OWNERS = {"themself": "mallory", "a colleague": "colleague", "a superuser": "boss"}
ACTS = {
    # model and act: what its form says
    "customer_customer top-up": {"amount": "1000", "reason": "mine"},
    "customer_customer adjust": {"amount": "1000", "reason": "mine"},
    "customer_customer delete": {},
    "subscription_subscription activate": {},
    "subscription_subscription deactivate": {},
    "subscription_subscription price": {"price": "1"},
    "subscription_subscription delete": {},
    "subscription_subscription add": {"name": "mine", "price": "1"},
    "customer_setaside retry": {},
    "customer_setaside repair": {},
}


@pytest.fixture
def staff(db, make_customer, fake_clock):
    """By name: an operator with every permission, a colleague, a superuser, and a customer; each has credit."""
    found = {name: make_customer(name, credit=1000) for name in ("mallory", "colleague", "boss", "ada")}
    Customer.objects.filter(username__in=["mallory", "colleague", "boss"]).update(is_staff=True)
    Customer.objects.filter(username="boss").update(is_superuser=True)
    found["mallory"].user_permissions.set(Permission.objects.all())
    return found


@pytest.fixture
def client(staff):
    return logged_in(staff["mallory"])


def books() -> tuple[list, ...]:
    """All that the acts could change."""
    models = (Account, LedgerEntry, Subscription, SetAside, Customer)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def asked(owner: Customer, what: str) -> tuple[str, dict[str, object]]:
    """The address of an act on what the owner has, and what its form says."""
    model, name = what.split()
    said = ACTS[what]
    if model == "customer_customer":
        return page(model, name, owner.pk), said
    if model == "customer_setaside":
        SetAside.objects.create(account_id=owner.pk, error="x", since=owner.date_joined)
        return page(model, name, owner.pk), said
    if name == "add":
        return page(model, name), {**said, "customer": owner.pk}
    isactive = name != "activate"
    vm = subscriptions.create(customer=owner, name="VM", price=5, isactive=isactive, by=owner)
    return page(model, name, vm.pk), said


@pytest.mark.once
def test_every_act_of_the_admin_is_in_the_table():
    every = set()
    for listed in admin.site._registry.values():
        acts = [*getattr(listed, "acts", ()), *filter(None, [getattr(listed, "creation", None)])]
        acts += filter(None, [getattr(listed, "removal", None)])
        every |= {f"{listed.opts.label_lower.replace('.', '_')} {each.name}" for each in acts}
    assert every == set(ACTS)


@pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS)
@pytest.mark.parametrize("what", ACTS)
def test_an_operator_does_nothing_to_those_who_have_privileges(staff, client, owner, what):
    url, said = asked(staff[owner], what)
    before = books()
    answer = act(client, url, said)
    assert answer.status_code == 403, "it was done, or offered"
    assert client.post(url, {**said, "_confirmed": "yes", "_seen": ""}).status_code == 403
    assert books() == before


@pytest.mark.parametrize("what", [what for what in ACTS if "repair" not in what and what != "customer_customer delete"])
def test_an_operator_does_it_to_a_customer_and_a_superuser_to_everybody(staff, client, what):
    for who, owner in ((client, "ada"), (logged_in(staff["boss"]), "boss"), (logged_in(superuser()), "colleague")):
        url, said = asked(staff[owner], what)
        before = books()
        assert act(who, url, said).status_code == 302
        assert books() != before


def switched_in_bulk(client: Client, *chosen: Subscription) -> list[str]:
    said = {"action": "deactivate", "_selected_action": [each.pk for each in chosen], "_confirmed": "yes"}
    answer = client.post(page("subscription_subscription", "changelist"), said, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_the_bulk_switch_passes_over_those_who_have_privileges(staff, client):
    theirs = {
        name: subscriptions.create(customer=customer, name="VM", price=5, isactive=True, by=None)
        for name, customer in staff.items()
    }
    said = switched_in_bulk(client, *theirs.values())
    assert sorted(said) == sorted(
        [
            *(f"{name}: Only a superuser may do this to an operator." for name in ("mallory", "colleague", "boss")),
            "Deactivated. 1 of the chosen subscriptions changed.",
        ]
    )
    assert list(Subscription.objects.filter(isactive=False)) == [theirs["ada"]]


def test_what_may_not_be_done_is_not_offered(staff, client):
    for name, offered in (("mallory", []), ("boss", []), ("ada", ["top-up", "adjust"])):
        shown = client.get(page("customer_customer", "change", staff[name].pk))
        assert [each["url"].rsplit("/", 2)[1] for each in shown.context["acts"]] == offered
        vm = subscriptions.create(customer=staff[name], name="VM", price=5, isactive=True, by=None)
        shown = client.get(page("subscription_subscription", "change", vm.pk))
        assert [each["url"].rsplit("/", 2)[1] for each in shown.context["acts"]] == (
            ["deactivate", "price"] if offered else []
        )


def test_staff_top_up_themselves_through_the_api_where_customers_may(staff, client_of):
    answer = client_of(staff["mallory"]).put("/customer/increasecredit/", {"credit": 5})
    assert (answer.status_code, answer.json()) == (200, {"credit": 1005})
