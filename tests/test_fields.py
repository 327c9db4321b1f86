"""The two kinds of field that the API reads in its own way, wherever they stand: money and switches."""

import json

import pytest
from rest_framework.test import APIClient

from customer.models import Customer
from subscription.models import Subscription

MOST = 2**63 - 1
FORM = "application/x-www-form-urlencoded"

# place: (method, path, field, what else the body needs, the least amount)
MONEY = {
    "register": ("POST", "/customer/register/", "credit", {"username": "grace", "password": "correct horse"}, 0),
    "increasecredit": ("PUT", "/customer/increasecredit/", "credit", {}, 1),
    "create": ("POST", "/subscription/create/", "price", {"name": "VM"}, 1),
}


@pytest.fixture
def client(make_customer, client_of) -> APIClient:
    return client_of(make_customer("ada"))


def send(client, place, literal):
    """Sends `literal`, a piece of JSON, as the money of a request."""
    method, path, field, others, _ = MONEY[place]
    members = [f'"{field}": {literal}', *(f'"{name}": {json.dumps(value)}' for name, value in others.items())]
    return client.generic(method, path, "{" + ", ".join(members) + "}", content_type="application/json")


def written(place):
    """The amount that the request has left in the database."""
    match place:
        case "register":
            return Customer.objects.get(username="grace").credit
        case "increasecredit":
            return Customer.objects.get(username="ada").credit
        case "create":
            return Subscription.objects.get().price


def nothing_is_written():
    ada = Customer.objects.get()
    return ada.credit == 0 and not Subscription.objects.exists()


@pytest.mark.parametrize("place", MONEY)
@pytest.mark.parametrize(
    ("literal", "amount"),
    [
        ("350000", 350000),
        ('"350000"', 350000),
        ("1", 1),
        (str(MOST), MOST),
        (f'"{MOST}"', MOST),
        ('"0000000000000000001"', 1),
    ],
)
def test_money_is_an_integer_or_a_string_of_digits(client, place, literal, amount):
    response = send(client, place, literal)
    assert response.status_code in (200, 201), response.content
    assert written(place) == amount


@pytest.mark.parametrize("place", MONEY)
@pytest.mark.parametrize("literal", ["0", '"0"', '"0000000000000000000"', "-0"])
def test_nothing_is_money_at_registration_alone(client, place, literal):
    response = send(client, place, literal)
    least = MONEY[place][4]
    if least == 0:
        assert response.status_code == 201
        assert written(place) == 0
    else:
        assert response.status_code == 400
        assert response.json() == {MONEY[place][2]: [f"Must be from {least} to {MOST}."]}


REFUSED = [
    *("1.0", "1e3", "1E0", "0.5", "-1", "true", "false", "null", "[]", "{}", "[1]", '{"a": 1}', "1e999"),
    *('""', '"1.0"', '"1e3"', '"+5"', '"-5"', '"1_000"', '" 7 "', '"7\\n"', '"0x10"', '"۵"', '"٣"', '"²"', '"x"'),
    *('"1\\u0000"', '"\\ud800"', '"00000000000000000001"'),
    *(str(2**63), f'"{2**63}"', str(10**30), str(-(2**63) - 1), "9" * 1001, "9" * 5000, "-" + "9" * 5000),
]


@pytest.mark.parametrize("place", MONEY)
@pytest.mark.parametrize("literal", REFUSED, ids=lambda literal: literal[:24])
def test_anything_else_is_refused_on_its_field(client, place, literal):
    response = send(client, place, literal)
    assert response.status_code == 400, response.content
    assert list(response.json()) == [MONEY[place][2]]
    assert nothing_is_written()


@pytest.mark.parametrize("place", MONEY)
@pytest.mark.parametrize("text", ["", " ", "1.0", "+5", "%2B5", " 7 ", "%DB%B5", "1_000", str(2**63), "-1", "%00"])
def test_a_form_is_as_strict_as_json(client, place, text):
    method, path, field, others, _ = MONEY[place]
    body = "&".join([f"{field}={text}", *(f"{name}={value}" for name, value in others.items())])
    response = client.generic(method, path, body, content_type=FORM)
    assert response.status_code == 400, response.content
    assert list(response.json()) == [field]
    assert nothing_is_written()


@pytest.mark.parametrize("place", MONEY)
@pytest.mark.parametrize("format", ["form", "multipart"])
def test_a_form_says_money_in_digits(client, place, format):
    method, path, field, others, _ = MONEY[place]
    if format == "form":
        body = "&".join(f"{name}={value}" for name, value in {field: 350000, **others}.items())
        response = client.generic(method, path, body, content_type=FORM)
    else:
        response = getattr(client, method.lower())(path, {field: "350000", **others}, format="multipart")
    assert response.status_code in (200, 201), response.content
    assert written(place) == 350000


@pytest.mark.parametrize("place", ["increasecredit", "create"])
@pytest.mark.parametrize(("body", "content_type"), [("{}", "application/json"), ("", FORM), ("a=b", FORM)])
def test_money_that_is_needed_cannot_be_missing(client, place, body, content_type):
    method, path, field, _, _ = MONEY[place]
    response = client.generic(method, path, body, content_type=content_type)
    assert response.status_code == 400
    assert response.json()[field] == ["This field is required."]


SWITCHES = [
    *[(literal, True) for literal in ("true", "1", "1.0", '"1"', '"true"', '"True"', '"TRUE"', '"on"', '"yes"', '"t"')],
    *[(literal, False) for literal in ("false", "0", '"0"', '"false"', '"False"', '"off"', '"no"', '"f"')],
]
NO_SWITCHES = ["null", '""', '"null"', "2", "-1", '"2"', '"garbage"', '" "', "[]", "[true]", "{}", '"\\u0000"']


@pytest.fixture
def edit(client):
    """Sends `isactive` to a subscription of the customer, in a body of either kind."""
    created = client.post("/subscription/create/", {"name": "VM", "price": 5, "isactive": True}, format="json")

    def send(body, content_type="application/json"):
        path = f"/subscription/editactivation/{created.json()['id']}/"
        return client.generic("PUT", path, body, content_type=content_type)

    return send


def create(client, body, content_type="application/json"):
    return client.generic("POST", "/subscription/create/", body, content_type=content_type)


@pytest.mark.parametrize(("literal", "isactive"), SWITCHES)
def test_a_switch_takes_what_a_boolean_field_takes(client, edit, literal, isactive):
    created = create(client, f'{{"name": "VM", "price": 5, "isactive": {literal}}}')
    assert (created.status_code, created.json()["isactive"]) == (201, isactive)
    edited = edit(f'{{"isactive": {literal}}}')
    assert (edited.status_code, edited.json()["isactive"]) == (200, isactive)


@pytest.mark.parametrize("literal", NO_SWITCHES)
def test_a_switch_takes_nothing_else(client, edit, literal):
    for refused in (
        create(client, f'{{"name": "VM", "price": 5, "isactive": {literal}}}'),
        edit(f'{{"isactive": {literal}}}'),
    ):
        assert refused.status_code == 400
        assert list(refused.json()) == ["isactive"]
    assert Subscription.objects.get().isactive


@pytest.mark.parametrize(("text", "isactive"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_a_switch_in_a_form(client, edit, text, isactive):
    assert create(client, f"name=VM&price=5&isactive={text}", FORM).json()["isactive"] is isactive
    assert edit(f"isactive={text}", FORM).json()["isactive"] is isactive


@pytest.mark.parametrize("text", ["", "+", "garbage", "null", "2"])
def test_a_form_takes_no_other_switch(client, edit, text):
    for refused in (create(client, f"name=VM&price=5&isactive={text}", FORM), edit(f"isactive={text}", FORM)):
        assert refused.status_code == 400
        assert list(refused.json()) == ["isactive"]
    assert Subscription.objects.get().isactive


@pytest.mark.parametrize(
    ("body", "content_type"), [("{}", "application/json"), ("", "application/json"), ("", FORM), ("other=1", FORM)]
)
def test_a_switch_that_is_left_out_is_missing_not_false(edit, body, content_type):
    response = edit(body, content_type)
    assert response.status_code == 400
    assert response.json() == {"isactive": ["This field is required."]}
    assert Subscription.objects.get().isactive


@pytest.mark.parametrize(
    ("body", "content_type"), [('{"name": "VM", "price": 5}', "application/json"), ("name=VM&price=5", FORM)]
)
def test_a_subscription_is_active_unless_it_is_said_otherwise(client, body, content_type):
    assert create(client, body, content_type).json()["isactive"] is True
