import pytest
from django_apscheduler.models import DjangoJob

from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import EPOCH

SHOWN = {"id", "name", "price", "period", "isactive", "created_at", "next_invoice_at", "paused_because"}


@pytest.fixture
def ada(make_customer):
    return make_customer("ada", credit=1000)


@pytest.fixture
def client(ada, client_of):
    return client_of(ada)


def create(client, **said):
    return client.post("/subscription/create/", {"name": "VM", "price": 450, **said}, format="json")


def edit(client, subscription_id, body=None):
    path = f"/subscription/editactivation/{subscription_id}/"
    return client.put(path, {"isactive": 0} if body is None else body, format="json")


def add(customer, name="VM", price=450, isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


def test_the_published_example_creates_a_subscription(client, fake_clock):
    response = create(client, isactive=1)
    assert response.status_code == 201
    assert response.json() == {
        "id": Subscription.objects.get().pk,
        "name": "VM",
        "price": 450,
        "period": 600,
        "isactive": True,
        "created_at": "2030-01-01T00:00:00Z",
        "next_invoice_at": "2030-01-01T00:10:00Z",
        "paused_because": None,
    }


@pytest.mark.parametrize(
    ("price", "isactive", "why"),
    [
        (1000, True, None),
        (1001, True, "insufficient_credit"),
        (450, False, "deactivated"),
        (1001, False, "deactivated"),
    ],
)
def test_a_paused_subscription_says_why(client, fake_clock, price, isactive, why):
    shown = create(client, price=price, isactive=isactive).json()
    assert shown["paused_because"] == why
    assert (shown["next_invoice_at"] is None) == (why is not None)
    assert client.get("/subscription/list").json()["subscriptions"] == [shown]


def test_a_subscription_keeps_the_period_it_was_created_with(client, settings):
    settings.INVOICE_PERIOD = 60
    create(client)
    settings.INVOICE_PERIOD = 600
    assert client.get("/subscription/list").json()["subscriptions"][0]["period"] == 60


@pytest.mark.parametrize(
    ("said", "name"),
    [("V", "V"), ("x" * 32, "x" * 32), (" VM ", "VM"), (" " + "x" * 32 + " ", "x" * 32), ("ماشین", "ماشین"), (7, "7")],
)
def test_a_name_has_1_to_32_characters(client, said, name):
    response = create(client, name=said)
    assert (response.status_code, response.json()["name"]) == (201, name)


@pytest.mark.parametrize("name", ["", " ", "\t\u3000", "x" * 33, None, [], {}, True, "a\x00b"])
def test_any_other_name_is_refused(client, name):
    response = create(client, name=name)
    assert response.status_code == 400
    assert list(response.json()) == ["name"]
    assert not Subscription.objects.exists()


def test_every_wrong_field_is_named(client):
    response = client.post("/subscription/create/", {"isactive": "garbage"}, format="json")
    assert set(response.json()) == {"name", "price", "isactive"}


def test_what_is_not_asked_for_is_ignored(client, ada, make_customer, fake_clock):
    grace = make_customer("grace")
    smuggled = {"customer": grace.pk, "customer_id": grace.pk, "id": 77, "period": 1, "created_at": "2001-01-01"}
    shown = create(client, **smuggled, next_invoice_at=None, by=grace.pk, credit=5).json()
    subscription = Subscription.objects.get()
    assert (subscription.customer_id, subscription.period, subscription.created_at) == (ada.pk, 600, fake_clock.time)
    assert shown["id"] == subscription.pk != 77
    smuggled = {"isactive": False, "price": 1, "name": "mine", "customer": grace.pk}
    edit(client, subscription.pk, smuggled)
    subscription.refresh_from_db()
    assert (subscription.isactive, subscription.price, subscription.name) == (False, 450, "VM")
    assert subscription.customer_id == ada.pk


def test_a_customer_has_at_most_1000_subscriptions(client, ada, make_customer, client_of, fake_clock):
    rows = Subscription.objects.bulk_create(
        Subscription(customer=ada, name="VM", price=1, period=600, isactive=False, created_at=EPOCH) for _ in range(999)
    )
    DjangoJob.objects.bulk_create(DjangoJob(id=str(row.pk), next_run_time=None, job_state=b"") for row in rows)
    assert create(client).status_code == 201
    refused = create(client)
    assert refused.status_code == 400
    assert refused.json() == {"non_field_errors": ["A customer has at most 1000 subscriptions."]}
    assert Subscription.objects.of(ada).count() == 1000
    assert create(client_of(make_customer("grace"))).status_code == 201


def test_a_subscription_is_switched_off_and_on(client, ada, fake_clock):
    subscription = add(ada)
    off = edit(client, subscription.pk, {"isactive": 0})
    assert off.status_code == 200
    assert set(off.json()) == SHOWN
    assert (off.json()["isactive"], off.json()["paused_because"]) == (False, "deactivated")
    fake_clock.at(601)
    on = edit(client, subscription.pk, {"isactive": 1}).json()
    assert (on["isactive"], on["next_invoice_at"]) == (True, "2030-01-01T00:20:00Z")


@pytest.mark.parametrize("isactive", [True, False])
def test_setting_what_is_already_so_is_answered_alike(client, ada, fake_clock, isactive):
    subscription = add(ada, isactive=isactive)
    pauses = subscription.pauses.count()
    first, second = (edit(client, subscription.pk, {"isactive": isactive}) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    assert subscription.pauses.count() == pauses


MISSING = [0, 2**63 - 1, 2**63, 10**30]


def test_none_and_somebody_elses_are_the_same_to_the_byte(client, ada, make_customer):
    theirs = add(make_customer("grace", credit=1000))
    answers = [edit(client, subscription_id) for subscription_id in [theirs.pk, theirs.pk + 1, *MISSING]]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {b'{"detail":"Not found."}'}
    for answer in answers:
        del answer["X-Request-ID"]
    assert len({tuple(sorted(answer.items())) for answer in answers}) == 1
    theirs.refresh_from_db()
    assert theirs.isactive


def test_an_id_of_5000_digits_is_no_other(client):
    answer = edit(client, "9" * 5000)
    assert (answer.status_code, answer.content) == (404, b'{"detail":"Not found."}')


@pytest.mark.parametrize("body", [{}, {"isactive": None}, {"isactive": "garbage"}, []])
def test_a_wrong_body_is_the_same_for_all(client, ada, make_customer, body):
    own, theirs = add(ada), add(make_customer("grace"))
    answers = [edit(client, subscription_id, body) for subscription_id in [own.pk, theirs.pk, *MISSING]]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("subscription_id", ["-1", "+1", "1.0", "x", "", "۵", "1%00", "1%0A", "0x1"])
def test_what_is_no_id_is_no_path(client, subscription_id):
    assert edit(client, subscription_id).status_code == 404


def test_the_list_shows_the_customers_own_by_id(client, ada, make_customer, fake_clock):
    grace = make_customer("grace")
    own = [add(customer, name) for name, customer in [("a", ada), ("b", ada), ("c", grace), ("d", ada)]]
    answer = client.get("/subscription/list")
    assert answer.status_code == 200
    assert set(answer.json()) == {"subscriptions", "next", "previous"}
    rows = answer.json()["subscriptions"]
    assert [row["id"] for row in rows] == [one.pk for one in own if one.customer_id == ada.pk]
    assert all(set(row) == SHOWN for row in rows)
    assert (answer.json()["next"], answer.json()["previous"]) == (None, None)


def test_an_empty_list_is_a_list(client):
    assert client.get("/subscription/list").json() == {"subscriptions": [], "next": None, "previous": None}


def test_subscriptions_created_meanwhile_are_seen_once_too(client, ada, fake_clock):
    for number in range(5):
        add(ada, f"vm {number}")
    seen, url = [], "/subscription/list?page_size=2"
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["subscriptions"]]
        if len(seen) == 2:
            add(ada, "late")
        url = page["next"]
    assert seen == list(Subscription.objects.order_by("id").values_list("id", flat=True))
    assert len(seen) == 6
