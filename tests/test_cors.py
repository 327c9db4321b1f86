"""Which pages elsewhere may use the API: by themselves none; those of CORS_ALLOWED_ORIGINS, whatever is answered."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from subscription_task import settings
from subscription_task.http.documents import HEADERS
from tests import servers

pytestmark = pytest.mark.once
SHOP = "https://shop.example"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,idempotency-key"}


@contextmanager
def served(**given: str) -> Iterator[servers.Server]:
    with servers.database("") as url, servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off", **given) as server:
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with served(CORS_ALLOWED_ORIGINS=f"{SHOP},http://localhost:3000", RATE_LIMITS="on") as server:
        yield server


def ask(server, method, path, body=b"", *, origin=SHOP, **headers):
    """The status and the headers of an answer, with names in lower case."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=servers.PATIENCE)
    connection.request(method, path, body, ({"Origin": origin} if origin else {}) | headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def varies(headers):
    return {name.strip().lower() for name in headers.get("vary", "").split(",")}


@pytest.mark.parametrize(
    "path",
    [
        "/customer/increasecredit/",
        "/customer/increasecredit",
        "/Invoice/list",
        "/invoice/list/",
        "/nowhere",
        "/",
        "/readyz",
    ],
)
def test_a_preflight_is_answered_on_every_path(server, path):
    status, headers = ask(server, "OPTIONS", path, **PREFLIGHT)
    assert (status, headers["access-control-allow-origin"]) == (200, SHOP)
    assert {"authorization", "idempotency-key"} <= set(headers["access-control-allow-headers"].split(", "))
    assert {"GET", "POST", "PUT", "DELETE"} <= set(headers["access-control-allow-methods"].split(", "))
    assert "access-control-allow-credentials" not in headers
    assert "origin" in varies(headers)


REFUSED = {
    # status: what is refused so
    400: ("GET", "/invoice/list", b"", {"Host": "evil.example"}),
    401: ("GET", "/invoice/list", b"", {}),
    404: ("GET", "/nowhere", b"", {}),
    405: ("DELETE", "/", b"", {}),
    406: ("GET", "/", b"", {"Accept": "image/png"}),
    413: ("POST", "/customer/register/", b" " * (1024 * 1024 + 1), {"Content-Type": "application/json"}),
    415: ("POST", "/customer/register/", b"x", {"Content-Type": "text/plain"}),
}


@pytest.mark.parametrize("status", REFUSED)
def test_what_is_refused_can_be_read_by_the_page(server, status):
    method, path, body, headers = REFUSED[status]
    answered, told = ask(server, method, path, body, **headers)
    assert (answered, told["access-control-allow-origin"]) == (status, SHOP)
    exposed = set(told["access-control-expose-headers"].split(", "))
    assert {"Retry-After", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed", "X-Request-ID"} <= exposed
    assert "origin" in varies(told)


def test_who_asks_too_often_can_read_for_how_long_to_wait(server):
    for _ in range(200):
        status, headers = ask(server, "POST", "/customer/token/refresh/", b"{}", **{"Content-Type": "application/json"})
        if status == 429:
            break
    assert (status, headers["access-control-allow-origin"]) == (429, SHOP)
    assert int(headers["retry-after"]) >= 1


def test_a_service_that_is_away_or_fails_can_be_read(tmp_path):
    """Without tables, `/readyz` is 503 and a registration 500."""
    url = f"sqlite:///{tmp_path}/empty.db"
    register = b'{"username": "ada", "password": "correct horse"}'
    with servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off", CORS_ALLOWED_ORIGINS=SHOP) as server:
        away = ask(server, "GET", "/readyz")
        failed = ask(server, "POST", "/customer/register/", register, **{"Content-Type": "application/json"})
    assert (away[0], failed[0]) == (503, 500)
    assert away[1]["access-control-allow-origin"] == failed[1]["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://shop.example", f"{SHOP}.evil.example", ""])
def test_no_other_origin_is_let_in_and_a_cache_keeps_them_apart(server, origin):
    for method, more in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        _, headers = ask(server, method, "/", origin=origin, **more)
        assert "access-control-allow-origin" not in headers
        assert "origin" in varies(headers)


@pytest.mark.parametrize("path", ["/admin/", "/admin", "/admin/login/", "/admin/customer/customer/1/", "/metrics"])
def test_the_operators_pages_are_for_no_other_page(server, path):
    for method, more in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        _, headers = ask(server, method, path, **more)
        assert not [name for name in headers if name.startswith("access-control-")]
        assert "origin" not in varies(headers)


def test_none_is_let_in_by_itself():
    with served() as server:
        for method, more in (("GET", {}), ("OPTIONS", PREFLIGHT)):
            _, headers = ask(server, method, "/", **more)
            assert not [name for name in headers if name.startswith("access-control-")]
            assert "origin" not in varies(headers)


def test_all_headers_of_the_documents_can_be_read():
    assert set(HEADERS) <= set(settings.CORS_EXPOSE_HEADERS)


GOOD = ["https://shop.example", "http://localhost:3000", "capacitor://localhost", "http://[::1]:3000"]
BAD = ["*", "null", "shop.example", "https://shop.example/", "https://Shop.example", "https://shop.example:443"]
BAD += ["http://shop.example:80", "https://a.example/x", "https://user@a.example"]


@pytest.mark.parametrize("given", [*GOOD, *BAD])
def test_the_setting_takes_origins_as_browsers_write_them(given):
    done = servers.manage("check", CORS_ALLOWED_ORIGINS=given)
    assert (done.returncode == 0) == (given in GOOD), done.stderr
