"""The examples in the API's documents are true: one history is played again, and each error is provoked."""

import re
from datetime import timedelta

import pytest
from django_apscheduler.models import DjangoJob
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from customer.errors import AccountBusy
from customer.models import Customer, SetAside
from subscription.models import Subscription
from subscription_task.http.documents import SHARED
from tests.fixtures import EPOCH

NOON = EPOCH.replace(hour=12)
TOKENS = ("access", "refresh")
VARY = {"joined", *TOKENS}
"""Fields whose values are of the moment in which the test runs."""

HISTORY = [
    # seconds since noon, operation, what is asked, status, example of the answer
    (0.25, "registerCustomer", "Alifa", 201, "Alifa"),
    (0.25, "logIn", "Alifa", 200, "Tokens"),
    (0.25, "refreshToken", "A refresh token", 200, "A token"),
    (0.25, "increaseCredit", "3000 more", 200, "The new balance"),
    (0.25, "getProfile", "", 200, "Alifa"),
    (0.25, "createSubscription", "A virtual machine", 201, "A virtual machine"),
    (0.25, "listSubscriptions", "", 200, "A page"),
    (0.25, "exportSubscriptions", "", 200, "A file"),
    (0.25, "createSubscription", "More than the credit covers", 201, "More than the credit covers"),
    (0.25, "createSubscription", "Switched off for now", 201, None),
    (601, "listInvoices", "", 200, "A page"),
    (601, "exportInvoices", "", 200, "A file"),
    (601, "getStatistics", "", 200, "All"),
    (601, "getStatistics", "?group_by=hour&tz=Asia/Tehran", 200, "?group_by=hour&tz=Asia/Tehran"),
    (601, "exportStatistics", "?group_by=hour", 200, "?group_by=hour"),
    (601, "getStatistics", "?group_by=subscription", 200, "?group_by=subscription"),
    (601, "getStatement", "", 200, "A page"),
    (601, "exportStatement", "", 200, "A file"),
    (601, "getForecast", "?days=1", 200, "?days=1"),
    (601, "getForecast", "?days=1&credit=1000000", 200, "?days=1&credit=1000000"),
    (900, "editActivation", "Off", 200, "Off"),
    (1500, "editActivation", "On", 200, "On"),
    (1500, "getSubscription", "1", 200, "It runs"),
    (1500, "getSubscription", "2", 200, "Credit is missing"),
    (1500, "changePassword", "A better one", 200, "Tokens"),
    (1500, "registerCustomer", "No more than is needed", 201, None),
]

TOO_MUCH = {"credit": 2**63 - 1}
MONEYLESS = {"credit": 1.5}
KEY = "Idempotency-Key"
ERRORS = {
    # operation, status and example: what provokes it
    "registerCustomer 400 The name is taken": {"username": "ALIFA", "password": "another good one"},
    "registerCustomer 400 Several fields": {"password": "another good one", **MONEYLESS},
    "registerCustomer 400 Weak password": {"username": "sara", "password": "123456"},
    "registerCustomer 400 No JSON": b"credit",
    "logIn 400 A field is missing": {"username": "Alifa"},
    "logIn 400 No JSON": b"credit",
    "logIn 401 Wrong password": {"username": "Alifa", "password": "another good one"},
    "refreshToken 400 It is missing": {},
    "refreshToken 400 No JSON": b"credit",
    "refreshToken 401 Expired, or none of ours": b'{"refresh": "forged"}',
    "increaseCredit 400 No amount": MONEYLESS,
    "increaseCredit 400 Too little": {"credit": 0},
    "increaseCredit 400 Too much": TOO_MUCH,
    "increaseCredit 400 Bad key": {"credit": 5, KEY: "é"},
    "increaseCredit 400 No JSON": b"credit",
    "increaseCredit 403 Not here": {"credit": 5},
    "changePassword 400 Not the password": {"old_password": "ali1381", "new_password": "four words and more"},
    "changePassword 400 Too weak": {"old_password": "ali1380", "new_password": "password1"},
    "changePassword 400 No JSON": b"credit",
    "createSubscription 400 Wrong fields": {"price": 4.5, "isactive": "perhaps"},
    "createSubscription 400 Too many": {"name": "VM", "price": 450},
    "createSubscription 400 Bad key": {"name": "VM", "price": 450, KEY: "é"},
    "createSubscription 400 No JSON": b"credit",
    "editActivation 400 Missing": {},
    "editActivation 400 Neither on nor off": {"isactive": "perhaps"},
    "editActivation 400 No JSON": b"credit",
    "editActivation 404 None, or not yours": {"isactive": 1, "subid": 77},
    "getSubscription 404 None, or not yours": {"subid": 77},
    "getForecast 400 Too far": {"query": "?days=3661"},
    "getStatistics 400 No such zone": {"query": "?tz=Teheran"},
    "exportSubscriptions 400 Neither on nor off": {"query": "?active=perhaps"},
} | {
    f"{operation} {error}": {"query": query}
    for operation in ("listSubscriptions", "listInvoices", "getStatement")
    for error, query in (("400 No size of a page", "?page_size=0"), ("404 No such page", "?cursor=forged"))
}
ERRORS |= {
    f"{operation} 400 Nothing between": {"query": "?from=2030-01-02&to=2030-01-01"}
    for operation in ("getStatistics", "exportStatistics", "exportInvoices")
}


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture
def player(schema, settings):
    settings.SELF_SERVICE_TOP_UP = True
    return Player(schema)


class Player:
    """A client that sends what examples say, as the customer who has logged in last."""

    def __init__(self, schema):
        self.operations = {
            operation["operationId"]: operation | {"method": method.upper(), "path": path}
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
        }
        self.client = APIClient()
        self.tokens = {}

    def send(self, operation_id, body=None, *, subid=1, query="", **headers):
        operation = self.operations[operation_id]
        url = operation["path"].format(subid=subid) + query
        send = getattr(self.client, operation["method"].lower())
        if operation["method"] == "GET":
            return send(url, headers=headers)
        if isinstance(body, bytes):
            return send(url, body, content_type="application/json", headers=headers)
        return send(url, body, format="json", headers=headers)

    def log_in(self, answer):
        self.tokens = answer.json()
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.tokens['access']}")

    def request(self, operation_id, asked):
        """The body of an example; the tokens in it are those that this client has."""
        body = self.operations[operation_id]["requestBody"]["content"]["application/json"]["examples"][asked]["value"]
        return body | {name: self.tokens[name] for name in TOKENS if name in body}

    def example(self, operation_id, status, name):
        response = self.operations[operation_id]["responses"][str(status)]
        examples = [
            (form, each) for form, content in response["content"].items() for each in content["examples"].items()
        ]
        (found,) = ((form, said["value"]) for form, (each, said) in examples if each == name)
        return found


def read(answer):
    is_json = answer["Content-Type"] == "application/json"
    return answer.json() if is_json else b"".join(answer.streaming_content).decode()


def settled(answer):
    """An answer without what is of the moment."""
    return (
        answer if isinstance(answer, str) else {name: "…" if name in VARY else value for name, value in answer.items()}
    )


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_the_examples_are_one_history(player, fake_clock, run_pass):
    for seconds, operation_id, asked, status, name in HISTORY:
        fake_clock.time = NOON + timedelta(seconds=seconds)
        run_pass()
        if asked.startswith("?") or not asked:
            answer = player.send(operation_id, query=asked)
        elif asked.isdigit():
            answer = player.send(operation_id, subid=asked)
        else:
            answer = player.send(operation_id, player.request(operation_id, asked))
        assert answer.status_code == status, answer.content
        if operation_id in ("logIn", "changePassword"):
            player.log_in(answer)
        if name:
            form, said = player.example(operation_id, status, name)
            assert answer["Content-Type"].startswith(form)
            assert settled(read(answer)) == settled(said), operation_id


def test_the_history_has_all_examples(player):
    asked, answered = set(), set()
    for operation_id, operation in player.operations.items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        asked |= {(operation_id, name) for name in body.get("examples", {})}
        for status in ("200", "201"):
            for content in operation["responses"].get(status, {}).get("content", {}).values():
                answered |= {(operation_id, name) for name in content["examples"]}
    assert asked <= {(operation_id, name) for _, operation_id, name, _, _ in HISTORY}
    assert answered == {(operation_id, name) for *_, operation_id, _, _, name in HISTORY if name}


@pytest.fixture
def alifa(player, db):
    """Alifa, who has logged in and has a subscription with the id `subid`."""
    for operation_id, asked in (("registerCustomer", "Alifa"), ("logIn", "Alifa")):
        answer = player.send(operation_id, player.request(operation_id, asked))
    player.log_in(answer)
    player.subid = player.send("createSubscription", {"name": "VM", "price": 450}).json()["id"]
    return Customer.objects.get(username="Alifa")


def test_there_is_an_error_for_each_example_of_one(player):
    found = {
        f"{operation_id} {status} {name}"
        for operation_id, operation in player.operations.items()
        for status, response in operation["responses"].items()
        if status >= "400" and "content" in response
        for name in response["content"]["application/json"]["examples"]
    }
    assert found == set(ERRORS)


@pytest.mark.parametrize("what", ERRORS)
def test_an_error_is_as_its_example(player, alifa, settings, what):
    operation_id, status, name = what.split(" ", 2)
    said = ERRORS[what]
    options = {"subid": player.subid}
    if isinstance(said, dict):
        options |= {key: said[key] for key in ("subid", "query", KEY) if key in said}
        said = {key: value for key, value in said.items() if key not in options}
    if name == "Not here":
        settings.SELF_SERVICE_TOP_UP = False
    if name == "Too many":
        one = {"price": 1, "period": 600, "created_at": EPOCH, "isactive": False}
        rows = Subscription.objects.bulk_create(Subscription(customer=alifa, name=str(n), **one) for n in range(999))
        DjangoJob.objects.bulk_create(DjangoJob(id=str(row.pk), job_state=b"") for row in rows)
    answer = player.send(operation_id, said, **options)
    assert answer.status_code == int(status), answer.content
    assert ("application/json", answer.json()) == player.example(operation_id, status, name)


def test_the_errors_of_all_operations_are_as_their_examples(player, alifa):
    credit = {"credit": 5}
    answers = {
        401: APIClient().get("/customer/profile/"),
        406: player.send("getProfile", Accept="image/png"),
        413: player.send("increaseCredit", b" " * 1_100_000),
        415: player.client.put("/customer/increasecredit/", "credit", content_type="text/plain"),
    }
    player.send("increaseCredit", credit, **{KEY: "a"})
    answers[422] = player.send("increaseCredit", {"credit": 6}, **{KEY: "a"})
    for _ in range(11):
        answers[429] = player.send("logIn", {"username": "Alifa", "password": "no"})
    SetAside.objects.create(account=alifa.account, error="a test", since=EPOCH)
    answers[503] = player.send("increaseCredit", credit)
    for status, answer in answers.items():
        assert answer.status_code == status, answer.content
        assert re.sub(r"\d+ second", "42 second", answer.json()["detail"]) == SHARED[status][2]["detail"]
    assert str(AccountBusy()) == SHARED[409][2]["detail"]
    assert set(SHARED) == {*answers, 409}
