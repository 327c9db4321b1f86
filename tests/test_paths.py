"""Every path in every spelling, and the methods that are not its own."""

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from subscription import subscriptions
from tests.fixtures import PASSWORD

# path: (method, status); {subid} is a subscription of the customer
PATHS = {
    "/customer/register": ("POST", 201),
    "/customer/login": ("POST", 200),
    "/customer/token/refresh": ("POST", 200),
    "/customer/increasecredit": ("PUT", 200),
    "/subscription/create": ("POST", 201),
    "/subscription/editactivation/{subid}": ("PUT", 200),
    "/subscription/list": ("GET", 200),
    "/invoice/list": ("GET", 200),
    "/Invoice/list": ("GET", 200),
    "/invoice/statistics": ("GET", 200),
    "/Invoice/statistics": ("GET", 200),
    "/subscription/list.csv": ("GET", 200),
    "/invoice/list.csv": ("GET", 200),
    "/Invoice/list.csv": ("GET", 200),
    "/invoice/statistics.csv": ("GET", 200),
    "/Invoice/statistics.csv": ("GET", 200),
    "/customer/statement.csv": ("GET", 200),
}
SPELLINGS = [path + slash for path in PATHS for slash in ("", "/")]


@pytest.fixture
def ada(make_customer):
    return make_customer("ada", credit=1000)


@pytest.fixture
def subscription(ada):
    return subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)


@pytest.fixture
def client(ada, client_of) -> APIClient:
    return client_of(ada)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_answers_without_a_redirect(client, ada, subscription, spelling):
    method, status = PATHS[spelling.rstrip("/")]
    body = {
        "username": "ada" if "login" in spelling else "new",
        "password": PASSWORD,
        "refresh": str(RefreshToken.for_user(ada)),
        "name": "VM",
        "price": 5,
        "isactive": 0,
        "credit": 5,
    }
    url = spelling.format(subid=subscription.pk)
    response = client.get(url) if method == "GET" else getattr(client, method.lower())(url, body, format="json")
    assert response.status_code == status
    assert (response["Content-Type"].startswith("text/csv")) == (".csv" in spelling)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_every_other_method_is_405_and_says_which_would_do(client, spelling, method):
    allowed, _ = PATHS[spelling.rstrip("/")]
    if method == allowed or (method, allowed) == ("HEAD", "GET"):
        return
    response = client.generic(method, spelling.format(subid=1))
    assert response.status_code == 405
    assert allowed in response["Allow"].split(", ")
    assert method not in response["Allow"].split(", ")
    assert method == "HEAD" or response.json() == {"detail": f'Method "{method}" not allowed.'}


@pytest.mark.parametrize("path", ["/subscription/list", "/invoice/list", "/invoice/statistics", "/invoice/list.csv"])
def test_head_is_get_without_a_body(client, path):
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.getvalue()) == (200, b"")
    assert head["Content-Type"] == get["Content-Type"]
    assert APIClient().head(path).status_code == 401


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_options_describe_and_change_nothing(client, ada, subscription, spelling):
    response = client.options(spelling.format(subid=subscription.pk))
    assert response.status_code == 200
    assert PATHS[spelling.rstrip("/")][0] in response["Allow"].split(", ")
    assert ("text/csv" if ".csv" in spelling else "application/json") in response.json()["renders"]
    ada.account.refresh_from_db()
    subscription.refresh_from_db()
    assert (ada.account.credit, subscription.isactive) == (1000, True)


@pytest.mark.parametrize(
    "path",
    [
        "/x",
        "/customer/profile.csv",
        "/invoice/list.CSV",
        "/invoice",
        "/invoice/",
        "/Invoice",
        "/INVOICE/list",
        "/invoice/List",
        "/Customer/login/",
    ]
    + ["/invoice/list//", "//invoice/list", "/invoice//list", "/invoice/list/x", "/invoice/list%0A", "/%00", "/%FF"],
)
@pytest.mark.parametrize("debug", [False, True])
def test_what_is_no_path_is_404_in_json(db, settings, path, debug):
    settings.DEBUG = debug
    response = APIClient().generic("GET", path)
    assert (response.status_code, response.content) == (404, b'{"detail":"Not found."}')
    assert response["Content-Type"] == "application/json"
