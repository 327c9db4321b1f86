"""How many statements each endpoint sends: pinned, on both databases, and the same however many rows there are."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework_simplejwt.tokens import RefreshToken

from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import EPOCH, PASSWORD, is_postgresql

# Those that begin and end a transaction are not counted. The first of most reads whose token it is.
STATEMENTS = {
    "register": 3,
    "login": 4,  # one of them from a place that is new
    "refresh": 1,
    "increasecredit": 7,
    "increasecredit with a key": 11,
    "the same again": 2,
    "create": 10,
    "switch off": 9,
    "switch nothing": 7,
    "switch on": 9,
    "list subscriptions": 2,
    "list invoices": 2,
    "statistics": 2,
    "statistics of a range": 2,
    "statistics by subscription": 2,
    "statistics by the hour of a range": 2,
    "statistics by day": 3,
    "invoices that are asked for": 2,
    "subscriptions that are asked for": 3,
    "invoices as a file": 2,
    "some invoices as a file": 3,
    "subscriptions as a file": 2,
    "the statement as a file": 2,
    "profile": 2,
    "why": 5,
    "statement": 2,
    "forecast": 4,
}
# SQLite has no clock to be asked.
AND_THE_CLOCK = (
    "register",
    "increasecredit",
    "increasecredit with a key",
    "forecast",
    "statistics by day",
    "create",
    "switch off",
    "switch nothing",
    "switch on",
)
# Nor does it wait for a time that a transaction sets.
AND_THE_PATIENCE = ("increasecredit with a key",)
TRANSACTION = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


def requests(client, ada):
    """What to send, by name, in this order."""
    first = Subscription.objects.earliest("id").pk
    switch = f"/subscription/editactivation/{first}/"
    refresh = str(RefreshToken.for_user(ada))
    said = {"username": "grace", "password": PASSWORD, "credit": 5}
    with_key = {"format": "json", "headers": {"Idempotency-Key": "k"}}
    return {
        "register": lambda: client.post("/customer/register/", said, format="json"),
        "login": lambda: client.post("/customer/login/", said, format="json"),
        "refresh": lambda: client.post("/customer/token/refresh/", {"refresh": refresh}, format="json"),
        "increasecredit": lambda: client.put("/customer/increasecredit/", {"credit": 5}, format="json"),
        "increasecredit with a key": lambda: client.put("/customer/increasecredit/", {"credit": 5}, **with_key),
        "the same again": lambda: client.put("/customer/increasecredit/", {"credit": 5}, **with_key),
        "create": lambda: client.post("/subscription/create/", {"name": "VM", "price": 5}, format="json"),
        "switch off": lambda: client.put(switch, {"isactive": 0}, format="json"),
        "switch nothing": lambda: client.put(switch, {"isactive": 0}, format="json"),
        "switch on": lambda: client.put(switch, {"isactive": 1}, format="json"),
        "list subscriptions": lambda: client.get("/subscription/list"),
        "list invoices": lambda: client.get("/invoice/list"),
        "statistics": lambda: client.get("/invoice/statistics"),
        "statistics of a range": lambda: client.get("/invoice/statistics?from=2030-01-01"),
        "statistics by subscription": lambda: client.get("/invoice/statistics?group_by=subscription"),
        "statistics by the hour of a range": lambda: client.get(
            "/invoice/statistics?from=2030-01-01&to=2030-02-01&group_by=hour&tz=Asia/Tehran"
        ),
        "statistics by day": lambda: client.get("/invoice/statistics?from=2026-11-01&group_by=day"),
        "invoices that are asked for": lambda: client.get("/invoice/list?from=2030-01-01&amount_max=7"),
        "subscriptions that are asked for": lambda: client.get("/subscription/list?name=vm&active=true&paused=false"),
        "invoices as a file": lambda: client.get("/invoice/list?format=csv"),
        "some invoices as a file": lambda: client.get("/invoice/list?format=csv&from=2030-01-01"),
        "subscriptions as a file": lambda: client.get("/subscription/list?format=csv"),
        "the statement as a file": lambda: client.get("/customer/statement?format=csv"),
        "profile": lambda: client.get("/customer/profile/"),
        "why": lambda: client.get(f"/subscription/{first}/"),
        "statement": lambda: client.get("/customer/statement"),
        "forecast": lambda: client.get("/invoice/forecast"),
    }


def sent(client, ada):
    """How many statements each request sends."""
    found = {}
    for name, send in requests(client, ada).items():
        with CaptureQueriesContext(connection) as captured:
            response = send()
            body = response.getvalue() if response.streaming else response.content
        assert response.status_code in (200, 201), body
        found[name] = sum(not query["sql"].startswith(TRANSACTION) for query in captured)
    return found


def pinned():
    """How many it may, on this database."""
    more = [*AND_THE_CLOCK, *AND_THE_PATIENCE] if is_postgresql() else []
    return {name: number + more.count(name) for name, number in STATEMENTS.items()}


@pytest.mark.parametrize("rows", [5, 50])
def test_an_endpoint_sends_as_many_statements_however_many_rows_there_are(make_customer, client_of, rows):
    ada = make_customer("ada", credit=100_000)
    for number in range(rows):
        vm = subscriptions.create(customer=ada, name=f"vm {number}", price=5, isactive=True, by=ada)
        times = {"start_time": EPOCH, "end_time": EPOCH + timedelta(seconds=600)}
        Invoice.objects.create(customer=ada, subscription=vm, amount=5, **times)
    assert sent(client_of(ada), ada) == pinned()


@pytest.mark.parametrize("path", ["/subscription/list", "/invoice/list", "/invoice/statistics"])
def test_a_request_that_is_refused_for_want_of_a_token_asks_nothing(client, db, django_assert_num_queries, path):
    with django_assert_num_queries(0):
        assert client.get(path).status_code == 401
