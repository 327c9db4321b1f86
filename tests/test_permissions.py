"""Every endpoint × who asks → the status, as one table."""

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from customer.models import Account, Customer
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import PASSWORD

WHO = ("nobody", "customer", "other", "deactivated", "operator")

# fmt: off
TABLE = {
    # method and path                              nobody customer other deactivated operator
    "POST /customer/register/":                      (201, 201, 201, 201, 201),
    "POST /customer/login/":                         (200, 200, 200, 200, 200),
    "POST /customer/token/refresh/":                 (200, 200, 200, 200, 200),
    "PUT /customer/increasecredit/":                 (401, 200, 200, 401, 200),
    "POST /subscription/create/":                    (401, 201, 201, 401, 201),
    "PUT /subscription/editactivation/{subid}/":     (401, 200, 404, 401, 404),
    "GET /subscription/list":                        (401, 200, 200, 401, 200),
    "GET /invoice/list":                             (401, 200, 200, 401, 200),
    "GET /invoice/statistics":                       (401, 200, 200, 401, 200),
    "GET /customer/profile/":                        (401, 200, 200, 401, 200),
    "PUT /customer/password/":                       (401, 200, 200, 401, 200),
    "GET /customer/statement":                       (401, 200, 200, 401, 200),
    "GET /subscription/{subid}/":                    (401, 200, 404, 401, 404),
    "GET /invoice/forecast":                         (401, 200, 200, 401, 200),
    "GET /subscription/list.csv":                    (401, 200, 200, 401, 200),
    "GET /invoice/list.csv":                         (401, 200, 200, 401, 200),
    "GET /customer/statement.csv":                   (401, 200, 200, 401, 200),
    "GET /invoice/statistics.csv":                   (401, 200, 200, 401, 200),
    "GET /api/schema/":                              (200, 200, 200, 200, 200),
    "GET /api/docs/":                                (200, 200, 200, 200, 200),
    "GET /api/redoc/":                               (200, 200, 200, 200, 200),
    # What there is not, there is for nobody: a list or an id of customers, a deletion, another's credit.
    "GET /customer/":                                (404, 404, 404, 404, 404),
    "GET /customer/list":                            (404, 404, 404, 404, 404),
    "GET /invoice/1":                                (404, 404, 404, 404, 404),
    "DELETE /subscription/editactivation/{subid}/":  (401, 405, 405, 401, 405),
    "POST /invoice/list":                            (401, 405, 405, 401, 405),
}
# fmt: on


@pytest.fixture
def customers(make_customer):
    """The customers of the table by name. `customer` is the one whose subscription it is."""
    found = {who: make_customer(who, credit=1000) for who in WHO if who != "nobody"}
    Customer.objects.filter(username="deactivated").update(is_active=False)
    Customer.objects.filter(username="operator").update(is_staff=True, is_superuser=True)
    return found


@pytest.fixture
def subscription(customers):
    owner = customers["customer"]
    return subscriptions.create(customer=owner, name="VM", price=450, isactive=True, by=owner)


@pytest.fixture
def bodies(customers):
    return {
        "/customer/register/": {"username": "new", "password": PASSWORD},
        "/customer/login/": {"username": "customer", "password": PASSWORD},
        "/customer/token/refresh/": {"refresh": str(RefreshToken.for_user(customers["customer"]))},
        "/customer/increasecredit/": {"credit": 5},
        "/customer/password/": {"old_password": PASSWORD, "new_password": "another horse"},
        "/subscription/create/": {"name": "VM", "price": 5},
        "/subscription/editactivation/{subid}/": {"isactive": 0},
    }


@pytest.mark.parametrize(
    ("request_line", "who", "status"),
    [(line, who, status) for line, row in TABLE.items() for who, status in zip(WHO, row, strict=True)],
)
def test_who_may_do_what(customers, subscription, bodies, client_of, request_line, who, status):
    method, path = request_line.split()
    client = APIClient() if who == "nobody" else client_of(customers[who])
    credits = dict(Account.objects.values_list("customer__username", "credit"))
    body = bodies.get(path)
    response = client.generic(
        method,
        path.format(subid=subscription.pk),
        client._encode_data(body, "json")[0] if body else "",
        content_type="application/json",
    )
    assert response.status_code == status, response.content
    if status == 401:
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    if status >= 400:
        assert set(response.json()) == ({"detail", "code"} if (who, status) == ("deactivated", 401) else {"detail"})
        assert Subscription.objects.get(pk=subscription.pk).isactive
        assert Subscription.objects.count() == 1
        assert dict(Account.objects.values_list("customer__username", "credit")) == credits


@pytest.mark.parametrize("who", ["other", "operator"])
def test_operators_too_see_their_own_rows_alone(customers, subscription, client_of, fake_clock, run_pass, who):
    fake_clock.at(600)
    run_pass()
    client = client_of(customers[who])
    assert client.get("/subscription/list").json()["subscriptions"] == []
    assert client.get("/invoice/list").json()["invoices"] == []
    assert client.get("/invoice/statistics").json() == {"number_of_invoices": 0, "total_cost_amount": 0}


ASKED = (
    "/invoice/list?subscription={subid}",
    "/invoice/list?subscription={subid}&from=2030-01-01&to=2031-01-01&amount=450",
    "/invoice/list?subscription={subid}&format=csv",
    "/invoice/list?amount=450",
    "/invoice/list?customer={customer}&amount_min=1&amount_max=450&tz=Asia/Tehran&format=csv",
    "/invoice/list?customer={customer}&format=csv",
    "/subscription/list?name=VM&active=true&paused=false",
    "/subscription/list?id={subid}&format=csv",
    "/invoice/statistics?from=2030-01-01",
    "/invoice/statistics?group_by=subscription&subscription={subid}",
    "/invoice/statistics?group_by=subscription&customer={customer}&format=csv",
    "/invoice/statistics?from=2030-01-01&to=2030-02-01&group_by=day&tz=Asia/Tehran",
    "/customer/statement?customer={customer}&format=csv&page_size={subid}",
    "/subscription/list.csv?id={subid}",
    "/invoice/list.csv?customer={customer}&subscription={subid}",
    "/invoice/statistics.csv?group_by=subscription&customer={customer}",
    "/customer/statement.csv?customer={customer}",
)


@pytest.mark.parametrize("who", ["other", "operator"])
@pytest.mark.parametrize("address", ASKED)
def test_anothers_id_in_a_parameter_gives_what_no_id_gives(
    fake_clock, customers, subscription, client_of, run_pass, address, who
):
    fake_clock.at(600)
    run_pass()
    client, ids = client_of(customers[who]), {"subid": subscription.pk, "customer": customers["customer"].pk}
    answers = [client.get(address.format(**found)) for found in (ids, {name: 2**62 for name in ids})]
    bodies = {answer.getvalue() if answer.streaming else answer.content for answer in answers}
    assert {answer.status_code for answer in answers} == {200}
    assert len(bodies) == 1
    assert b"VM" not in bodies.pop()
    theirs = client_of(customers["customer"]).get(address.format(**ids))
    assert b"450" in (theirs.getvalue() if theirs.streaming else theirs.content)


@pytest.mark.parametrize("path", ["/subscription/list", "/customer/increasecredit/"])
def test_a_session_of_the_admin_opens_nothing_here(customers, client, path):
    client.force_login(customers["operator"])
    assert client.get(path).status_code == 401
