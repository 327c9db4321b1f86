"""The subscriptions that are asked for: active, paused, by name; page by page and as a file."""

import csv
import io
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscription import subscriptions
from subscription.models import Subscription

NAMES = ["VM one", "vm two", "Straße", "STRASSE", "ÄPFEL", "ماشین مجازی", "پایگاه داده", "100%", "a_b", "=1+2"]


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=100)


@pytest.fixture
def client(ada, client_of):
    return client_of(ada)


def add(customer, name="VM", price=5, isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


def names(client, **asked):
    answer = client.get("/subscription/list", asked)
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["subscriptions"]]


@pytest.fixture
def three(ada, make_customer):
    add(make_customer("grace", credit=5), name="runs too")
    add(ada, "runs")
    add(ada, "off", isactive=False)
    add(ada, "dear", price=101)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["runs", "off", "dear"]),
        ({"active": "true"}, ["runs", "dear"]),
        ({"active": "false"}, ["off"]),
        ({"paused": "true"}, ["off", "dear"]),
        ({"paused": "false"}, ["runs"]),
        ({"active": "1", "paused": "1"}, ["dear"]),
        ({"active": "false", "paused": "false"}, []),
        ({"active": "true", "paused": "true", "name": "x"}, []),
        ({"active": "true", "name": "R"}, ["runs", "dear"]),
    ],
    ids=str,
)
def test_those_that_are_asked_for_are_listed(client, three, asked, found):
    assert names(client, **asked) == found
    file = client.get("/subscription/list", asked | {"format": "csv"}).getvalue().decode()
    assert [row["name"] for row in csv.DictReader(io.StringIO(file))] == found


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("vm", ["VM one", "vm two"]),
        ("strasse", ["Straße", "STRASSE"]),
        ("ß", ["Straße", "STRASSE"]),
        ("äpf", ["ÄPFEL"]),
        ("ماشین", ["ماشین مجازی"]),
        ("ﻣﺎﺷﯿﻦ", ["ماشین مجازی"]),  # the letters in the forms that some keyboards send
        ("داده", ["پایگاه داده"]),
        ("مجازي", ["ماشین مجازی"]),  # with the letter of an Arabic keyboard
        ("مجازى", ["ماشین مجازی"]),  # with its other one
        ("%", ["100%"]),
        ("_", ["a_b"]),
        (" two ", ["vm two"]),
        ("x", []),
    ],
)
def test_a_name_is_found_in_any_script_and_case(ada, client, sought, found):
    for name in NAMES:
        add(ada, name, isactive=False)
    assert names(client, name=sought) == found


def test_a_name_is_looked_for_among_ones_own_alone(ada, client, make_customer):
    add(make_customer("grace"), "vm")
    add(ada, "vm")
    with CaptureQueriesContext(connection) as captured:
        assert names(client, name="vm") == ["vm"]
    read = [query["sql"] for query in captured if "subscription_subscription" in query["sql"]]
    assert len(read) == 2
    assert all(f'"customer_id" = {ada.pk}' in sql for sql in read)


def test_questions_survive_in_the_links(ada, client):
    for number in range(7):
        add(ada, f"vm {number}", isactive=number % 2 == 0)
    found, url = [], "/subscription/list?active=true&name=VM&paused=0&page_size=1"
    while url:
        page = client.get(url).json()
        found += [row["name"] for row in page["subscriptions"]]
        url = page["next"]
    assert found == ["vm 0", "vm 2", "vm 4", "vm 6"]
    assert parse_qs(urlsplit(page["previous"]).query).keys() == {"active", "name", "paused", "page_size", "cursor"}
    assert [row["name"] for row in client.get(page["previous"]).json()["subscriptions"]] == ["vm 4"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *((f"{name}={value}", name) for name, value in product(("active", "paused"), ("", "x", "2", "null", "%00"))),
        ("active=1&active=1", "active"),
        ("name=", "name"),
        ("name=%20", "name"),
        ("name=a%00", "name"),
        ("name=" + "x" * 33, "name"),
        ("name=a&name=b", "name"),
    ],
)
def test_what_is_no_question_is_refused(client, query, field):
    answer = client.get(f"/subscription/list?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_a_file_has_the_fields_of_the_list_and_no_formula(ada, client):
    for name in NAMES:
        add(ada, name, isactive=False)
    answer = client.get("/subscription/list?format=csv")
    assert answer["Content-Disposition"] == 'attachment; filename="subscriptions.csv"'
    found = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    shown = client.get("/subscription/list").json()["subscriptions"]
    assert list(found[0]) == list(shown[0])
    assert [row["name"] for row in found] == [*NAMES[:-1], "'=1+2"]
    assert (found[0]["isactive"], found[0]["next_invoice_at"], found[0]["paused_because"]) == (
        "false",
        "",
        "deactivated",
    )
    assert [int(row["id"]) for row in found] == sorted(Subscription.objects.values_list("id", flat=True))


@pytest.mark.parametrize("value", ["1", "true", "True", "0", "false"])
def test_isactive_filters_as_active_does(client, three, value):
    assert names(client, isactive=value) == names(client, active=value)
    assert names(client, isactive=value, active=value) == names(client, active=value)
    assert names(client, active="1") != names(client, active="0")


@pytest.mark.parametrize(("asked", "field"), [("isactive=1&active=0", "isactive"), ("isactive=2", "isactive")])
def test_what_isactive_cannot_mean_is_400(client, asked, field):
    answer = client.get(f"/subscription/list?{asked}")
    assert (answer.status_code, list(answer.json())) == (400, [field])
