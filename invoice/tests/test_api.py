from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.signing import Signer

from customer.models import Account
from invoice.models import Invoice
from subscription import subscriptions
from tests.fixtures import EPOCH

PERIOD = timedelta(seconds=600)


@pytest.fixture
def ada(make_customer):
    return make_customer("ada", credit=100_000)


@pytest.fixture
def client(ada, client_of):
    return client_of(ada)


def subscribe(customer, price=450):
    return subscriptions.create(customer=customer, name="VM", price=price, isactive=True, by=customer)


def invoices(subscription, number):
    """Writes `number` more invoices of a subscription, as if it had been billed."""
    first = subscription.invoices.count() + 1
    for k in range(first, first + number):
        Invoice.objects.create(
            customer_id=subscription.customer_id,
            subscription=subscription,
            amount=subscription.price,
            start_time=EPOCH + k * PERIOD,
            end_time=EPOCH + (k + 1) * PERIOD,
        )


def newest_first(customer):
    return list(Invoice.objects.of(customer).order_by("-id").values_list("id", flat=True))


def ids(page):
    return [row["id"] for row in page["invoices"]]


def test_an_invoice_is_shown_flat(client, ada, fake_clock, run_pass):
    subscription = subscribe(ada)
    fake_clock.at(600)
    run_pass()
    answer = client.get("/invoice/list")
    assert answer.status_code == 200
    assert answer.json() == {
        "invoices": [
            {
                "id": Invoice.objects.get().pk,
                "customer": ada.pk,
                "subscription": subscription.pk,
                "amount": 450,
                "start_time": "2030-01-01T00:10:00Z",
                "end_time": "2030-01-01T00:20:00Z",
            }
        ],
        "next": None,
        "previous": None,
    }


def test_the_list_is_the_customers_own_newest_first(client, ada, make_customer):
    mine, theirs = subscribe(ada), subscribe(make_customer("grace", credit=1000))
    for subscription in (mine, theirs, mine, theirs, mine):
        invoices(subscription, 1)
    page = client.get("/invoice/list").json()
    assert ids(page) == newest_first(ada)
    assert {row["customer"] for row in page["invoices"]} == {ada.pk}


@pytest.mark.parametrize(
    "query",
    ["customer={theirs}", "customer_id={theirs}", "id__gt=0", "ordering=id", "offset=1"],
)
def test_no_parameter_opens_anothers_rows(client, ada, make_customer, query):
    grace = make_customer("grace", credit=1000)
    mine, other = subscribe(ada), subscribe(grace)
    invoices(mine, 2)
    invoices(other, 2)
    page = client.get("/invoice/list?" + query.format(theirs=grace.pk, other=other.pk)).json()
    assert ids(page) == newest_first(ada)


@pytest.mark.parametrize(
    ("asked", "given"),
    [("", 100), ("page_size=1", 1), ("page_size=100", 100), ("page_size=1000", 1000), ("page_size=1001", 1000)]
    + [("page_size=99999999999999999999", 1000), ("page_size=" + "9" * 5000, 1000)]
    + [("page_size=007", 7), ("page_size=00000000000000000000007", 7)],
    ids=lambda value: str(value)[:30],
)
def test_a_page_has_100_rows_or_as_many_as_asked_up_to_1000(client, ada, asked, given):
    invoices(subscribe(ada), 1)
    sample = Invoice.objects.get()
    Invoice.objects.bulk_create(
        Invoice(
            customer_id=ada.pk,
            subscription_id=sample.subscription_id,
            amount=1,
            start_time=EPOCH - k * PERIOD,
            end_time=EPOCH,
        )
        for k in range(1, 1002)
    )
    page = client.get(f"/invoice/list?{asked}").json()
    assert len(page["invoices"]) == given
    assert page["next"] is not None


@pytest.mark.parametrize("path", ["/invoice/list", "/subscription/list"])
@pytest.mark.parametrize(
    "size", ["", "0", "000", "-1", "+5", "1.0", "1e2", "%20", "5%20", "x", "%DB%B5", "%C2%B2", "%00"]
)
def test_any_other_page_size_is_refused(client, path, size):
    answer = client.get(f"{path}?page_size={size}")
    assert answer.status_code == 400
    assert list(answer.json()) == ["page_size"]


def test_a_walk_sees_every_row_once_while_new_ones_arrive(client, ada):
    subscription = subscribe(ada)
    invoices(subscription, 10)
    there_at_first = newest_first(ada)
    forward, url = [], "/invoice/list?page_size=3"
    while url:
        page = client.get(url).json()
        forward.append(ids(page))
        url = page["next"]
        assert len(forward) < 20, "pages without end"
        invoices(subscription, 2)
    assert [row for page in forward for row in page] == there_at_first

    backward, url = [forward[-1]], page["previous"]
    while url:
        page = client.get(url).json()
        backward.insert(0, ids(page))
        url = page["previous"]
        assert len(backward) < 20, "pages without end"
    assert [row for page in backward for row in page] == newest_first(ada)


def test_a_page_is_the_same_from_both_sides(client, ada):
    invoices(subscribe(ada), 9)
    first = client.get("/invoice/list?page_size=3").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    assert (first["previous"], third["next"]) == (None, None)
    assert ids(client.get(third["previous"]).json()) == ids(second)
    assert ids(client.get(client.get(third["previous"]).json()["previous"]).json()) == ids(first)


@pytest.mark.parametrize("path", ["/invoice/list", "/invoice/list/", "/Invoice/list"])
def test_links_are_absolute_and_keep_what_was_asked(client, ada, path):
    invoices(subscribe(ada), 3)
    page = client.get(f"{path}?page_size=1&colour=blue").json()
    page = client.get(page["next"]).json()
    for link in (page["next"], page["previous"]):
        url = urlsplit(link)
        query = parse_qs(url.query)
        assert (url.scheme, url.netloc, url.path) == ("http", "testserver", path)
        assert (query["page_size"], query["colour"], len(query["cursor"])) == (["1"], ["blue"], 1)


def cursor_of(client, path, key):
    return parse_qs(urlsplit(client.get(f"{path}?page_size=1").json()[key]).query)["cursor"][0]


def test_a_cursor_serves_its_own_list_alone(client, ada):
    invoices(subscribe(ada), 2)
    subscribe(ada)
    of_invoices = cursor_of(client, "/invoice/list", "next")
    of_subscriptions = cursor_of(client, "/subscription/list", "next")
    assert client.get("/invoice/list", {"cursor": of_invoices}).status_code == 200
    assert client.get("/subscription/list", {"cursor": of_invoices}).status_code == 404
    assert client.get("/invoice/list", {"cursor": of_subscriptions}).status_code == 404


FORGERIES = [
    lambda cursor: "",
    lambda cursor: "x",
    lambda cursor: "f1",
    lambda cursor: "f1:",
    lambda cursor: "f1:" + cursor.partition(":")[2],
    lambda cursor: "r" + cursor[1:],
    lambda cursor: cursor[:-1],
    lambda cursor: cursor + "x",
    lambda cursor: f"f{2**64}:" + cursor.partition(":")[2],
    lambda cursor: "cD0x",  # DRF's own form
    lambda cursor: "\x00",
    lambda cursor: "é۵",
    lambda cursor: Signer(key="k" * 50, salt="cursor of invoices").sign("f1"),
    lambda cursor: "9" * 5000,
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_cursor_is_refused(client, ada, forge):
    invoices(subscribe(ada), 2)
    forged = forge(cursor_of(client, "/invoice/list", "next"))
    answer = client.get("/invoice/list", {"cursor": forged})
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Invalid cursor"}


def test_anothers_cursor_opens_only_ones_own_rows(client, ada, make_customer, client_of):
    grace = make_customer("grace", credit=1000)
    mine, theirs = subscribe(ada), subscribe(grace)
    invoices(mine, 2)
    invoices(theirs, 3)
    cursor = cursor_of(client_of(grace), "/invoice/list", "next")
    assert ids(client.get("/invoice/list", {"cursor": cursor}).json()) == newest_first(ada)


def test_statistics_count_and_sum_the_customers_own(client, ada, make_customer, client_of, fake_clock, run_pass):
    assert client.get("/invoice/statistics").json() == {"number_of_invoices": 0, "total_cost_amount": 0}
    grace = make_customer("grace", credit=1000)
    for customer, price in ((ada, 450), (ada, 7), (grace, 100)):
        subscribe(customer, price)
    for seconds in (600, 1200, 1800):
        fake_clock.at(seconds)
        run_pass()
    assert client.get("/invoice/statistics").json() == {"number_of_invoices": 6, "total_cost_amount": 3 * 457}
    answer = client_of(grace).get("/invoice/statistics")
    assert (answer.status_code, answer.json()) == (200, {"number_of_invoices": 3, "total_cost_amount": 300})


def test_statistics_reach_what_a_column_holds(client, ada):
    Account.objects.filter(pk=ada.pk).update(invoice_count=2**63 - 1, invoice_total=2**63 - 1)
    assert client.get("/invoice/statistics").json()["total_cost_amount"] == 2**63 - 1
