"""The lists and pages of subscriptions in the admin: what they show, find and cost."""

import pytest
from django.contrib.contenttypes.models import ContentType

from customer import customers
from customer.tests.operators import logged_in, page, queries_of_list, superuser
from subscription import subscriptions
from subscription.models import Subscription

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


def more_subscriptions(rows):
    """Each of a customer of its own, with a pause and a price change, since it costs more than there is."""
    start = Subscription.objects.count()
    for number in range(start, start + rows):
        customer = customers.register(username=f"customer-{number}", password="correct horse", credit=1)
        made = subscriptions.create(customer=customer, name=f"VM {number}", price=1, isactive=True, by=customer)
        subscriptions.change_price(customer_id=customer.pk, subscription_id=made.pk, price=2, by=customer)


@pytest.mark.parametrize("model", [SUBSCRIPTION, PAUSE, PRICE])
def test_a_list_takes_as_many_queries_at_50_rows_as_at_5(root, model):
    # The session, the operator, the count, the rows.
    assert queries_of_list(logged_in(root), model, more_subscriptions) == [4, 4]


def test_a_subscriptions_page_shows_its_latest_records_in_as_many_queries(
    root, ada, vm, fake_clock, django_assert_num_queries
):
    client = logged_in(root)

    def pause_and_resume(times):
        for _ in range(times):
            for isactive in (False, True):
                fake_clock.advance(1)
                subscriptions.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=isactive, by=ada)
                price = 400 + isactive
                subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=price, by=ada)

    ContentType.objects.get_for_model(Subscription)  # kept from then on
    for times in (2, 28):
        pause_and_resume(times)
        # The session, the operator, the subscription for its acts and for its page, two inlines.
        with django_assert_num_queries(6):
            answer = client.get(page(SUBSCRIPTION, "change", vm.pk))
    assert [len(inline.formset.get_queryset()) for inline in answer.context["inline_admin_formsets"]] == [20, 20]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "vm"}, ["VM"]),
        ({"q": "M"}, []),
        ({"q": "ADA"}, ["DB", "VM"]),
        ({"q": "eve"}, []),
        ({"paused_because": "running"}, ["VM"]),
        ({"paused_because": "deactivated"}, ["DB"]),
        ({"paused_because": "insufficient_credit"}, ["dear"]),
        ({"isactive__exact": "0"}, ["DB"]),
    ],
)
def test_subscriptions_are_found(root, ada, vm, query, found, make_customer):
    yves = make_customer("yves")
    subscriptions.create(customer=yves, name="dear", price=5, isactive=True, by=yves)
    subscriptions.create(customer=ada, name="DB", price=5, isactive=False, by=ada)
    answer = logged_in(root).get(page(SUBSCRIPTION, "changelist"), query)
    assert [subscription.name for subscription in answer.context["cl"].result_list] == found


def test_customers_are_chosen_by_autocompletion(root, ada):
    said = {"app_label": "subscription", "model_name": "subscription", "field_name": "customer", "term": "AD"}
    answer = logged_in(root).get("/admin/autocomplete/", said)
    assert answer.json()["results"] == [{"id": str(ada.pk), "text": "ada"}]
