import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from rest_framework.test import APIClient

from customer.models import Customer, LedgerEntry

SEED = {"username": "Alifa", "password": "ali1380", "first_name": "ali", "last_name": "fa", "credit": "350000"}


def register(**said):
    body = json.dumps({"username": "ada", "password": "correct horse", **said})
    return APIClient().post("/customer/register/", body, content_type="application/json")


@pytest.mark.django_db
def test_the_published_example_registers_a_customer(fake_clock):
    response = register(**SEED)
    customer = Customer.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "customer": {
            "id": customer.pk,
            "username": "Alifa",
            "first_name": "ali",
            "last_name": "fa",
            "credit": 350000,
        },
        "message": "Customer registered.",
    }
    assert customer.check_password("ali1380")
    entry = LedgerEntry.objects.get()
    assert (entry.account_id, entry.kind, entry.amount, entry.at) == (
        customer.pk,
        "registration",
        350000,
        fake_clock.time,
    )


@pytest.mark.django_db
def test_name_and_credit_are_optional():
    response = register()
    assert response.status_code == 201
    assert response.json()["customer"] | {"id": 0} == {
        "id": 0,
        "username": "ada",
        "first_name": "",
        "last_name": "",
        "credit": 0,
    }
    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db
def test_a_form_registers_as_well():
    response = APIClient().post("/customer/register/", SEED, format="multipart")
    assert response.status_code == 201
    assert response.json()["customer"]["credit"] == 350000


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["username", "password"])
def test_a_missing_field_is_named(missing):
    body = {"username": "ada", "password": "correct horse"}
    del body[missing]
    response = APIClient().post("/customer/register/", body, format="json")
    assert response.status_code == 400
    assert response.json() == {missing: ["This field is required."]}


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["a", "Ada", "ada@example.org", "a.b+c-d_e", "علی", "straße", "x" * 150, " ada "])
def test_usernames_that_django_takes(username):
    response = register(username=username)
    assert response.status_code == 201
    assert response.json()["customer"]["username"] == username.strip()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "username",
    ["", " ", "a b", "a/b", "a\n b", "<a>", "a\x00b", "\ud800", "x" * 151, "\u0300\u0316" * 40_000, None, [], True],
    ids=lambda username: ascii(username)[:20],
)
def test_usernames_that_django_refuses(username):
    response = register(username=username)
    assert response.status_code == 400
    assert list(response.json()) == ["username"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Ali", "Ali"),
        ("Ali", "ALI"),
        ("ali", "ａｌｉ"),
        ("straße", "STRASSE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("é", "e\u0301"),
    ],
)
def test_a_username_is_taken_in_every_spelling(first, second):
    assert register(username=first).status_code == 201
    response = register(username=second)
    assert response.status_code == 400
    assert response.json() == {"username": ["A customer with that username already exists."]}
    assert Customer.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short1", {}),
        ("password", {}),
        ("84736251", {}),
        ("adalovelace", {"username": "adalovelace"}),
        ("lovelace", {"last_name": "Lovelace"}),
        ("", {}),
        ("correct\x00horse", {}),
        ("correct\ud800horse", {}),
        ("x" * 257, {}),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_weak_password_is_refused(password, said):
    response = register(password=password, **said)
    assert response.status_code == 400
    assert list(response.json()) == ["password"]
    assert not Customer.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["first_name", "last_name"])
@pytest.mark.parametrize(
    "value", ["x" * 151, "a\x00b", "\udfff", [], {}, True, None], ids=lambda value: ascii(value)[:12]
)
def test_names_are_short_plain_text(field, value):
    response = register(**{field: value})
    assert response.status_code == 400
    assert list(response.json()) == [field]


@pytest.mark.django_db
def test_what_is_not_asked_for_is_ignored():
    smuggled = {
        "is_staff": True,
        "is_superuser": True,
        "is_active": False,
        "id": 77,
        "customer": 77,
        "username_folded": "x",
        "email": "a@example.org",
        "groups": [1],
        "deposited": 5,
        "account": {"credit": 5},
    }
    response = register(**smuggled)
    customer = Customer.objects.get()
    assert response.status_code == 201
    assert (customer.is_staff, customer.is_superuser, customer.is_active) == (False, False, True)
    assert (customer.email, customer.username_folded, customer.credit) == ("", "ada", 0)
    assert customer.pk != 77


@pytest.mark.django_db
def test_customers_do_not_credit_themselves_where_that_is_off(settings):
    settings.SELF_SERVICE_TOP_UP = False
    refused = register(credit=5)
    assert refused.status_code == 400
    assert refused.json() == {"credit": ["Customers cannot add credit themselves here."]}
    assert register(credit=0).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("names", [("ada", "ada"), ("Ada", "ADA")])
def test_of_two_registrations_at_once_one_gets_the_name(names):
    barrier = Barrier(2)

    def race(username):
        try:
            barrier.wait()
            return register(username=username, credit=7)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        responses = list(threads.map(race, names))
    assert sorted(response.status_code for response in responses) == [201, 400]
    (refused,) = (response for response in responses if response.status_code == 400)
    assert refused.json() == {"username": ["A customer with that username already exists."]}
    assert Customer.objects.get().credit == 7
    assert LedgerEntry.objects.count() == 1
