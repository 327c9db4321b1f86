"""A page of another origin uses the API, in a real browser: what it may read, and that the admin is not for it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import servers

pytestmark = pytest.mark.once
PASSWORD = "correct horse"


class Page(BaseHTTPRequestHandler):
    """An empty page, of a shop elsewhere."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>Shop</title>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def shops() -> Iterator[list[str]]:
    """The origins of two pages."""
    sites = [ThreadingHTTPServer(("127.0.0.1", 0), Page) for _ in range(2)]
    for site in sites:
        threading.Thread(target=site.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{site.server_port}" for site in sites]
    for site in sites:
        site.shutdown()
        site.server_close()


@pytest.fixture(scope="module")
def api(shops) -> Iterator[servers.Server]:
    """A server that lets the first of the two in."""
    settings = {"CORS_ALLOWED_ORIGINS": shops[0], "RATE_LIMITS": "on", "SCHEDULER": "off"}
    with servers.database("") as url, servers.Server("gunicorn", DATABASE_URL=url, **settings) as server:
        server.call("POST", "/customer/register/", {"username": "ada", "password": PASSWORD})
        yield server


@pytest.fixture
def fetch(browser, api):
    """Fetches from a page of an origin: the status, the JSON and the headers that it can read; None if nothing."""
    contexts = []

    def ask(origin, path, method="GET", body=None, **headers):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(origin)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"method": method, "headers": named} | ({"body": json.dumps(body)} if body is not None else {})
        return page.evaluate(
            """async ([url, sent]) => {
                try {
                    const answer = await fetch(url, sent);
                    const headers = Object.fromEntries(answer.headers);
                    const text = await answer.text();
                    return [answer.status, headers["content-type"].includes("json") ? JSON.parse(text) : text, headers];
                } catch (error) { return null; }
            }""",
            [api.url + path, sent],
        )

    yield ask
    for context in contexts:
        context.close()


@pytest.fixture
def bearer(api):
    tokens = api.call("POST", "/customer/login/", {"username": "ada", "password": PASSWORD})[1]
    return {"Authorization": f"Bearer {tokens['access']}"}


def test_a_page_of_an_allowed_origin_tops_up_and_reads_that_it_was_replayed(fetch, shops, bearer):
    key = {"Content_Type": "application/json", "Idempotency_Key": "payment-17", **bearer}
    first, again = (fetch(shops[0], "/customer/increasecredit", "PUT", {"credit": 5}, **key) for _ in range(2))
    assert first[:2] == again[:2] == [200, {"credit": 5}]
    assert "idempotency-replayed" not in first[2]
    assert again[2]["idempotency-replayed"] == "true"
    assert {"x-request-id", "ratelimit", "ratelimit-policy"} <= set(again[2])


@pytest.mark.parametrize("path", ["/invoice/list", "/invoice/list/", "/Invoice/list", "/Invoice/list/"])
def test_every_spelling_is_preflighted(fetch, shops, bearer, path):
    assert fetch(shops[0], path, **bearer)[0] == 200


def test_a_file_tells_its_name(fetch, shops, bearer):
    status, _, headers = fetch(shops[0], "/invoice/list?format=csv", **bearer)
    assert status == 200
    assert "invoices" in headers["content-disposition"]


def test_what_is_refused_can_be_read(fetch, shops, bearer):
    status, said, headers = fetch(shops[0], "/invoice/list", Authorization="Bearer x")
    assert (status, said["code"]) == (401, "token_not_valid")
    assert headers["www-authenticate"].startswith("Bearer")
    assert fetch(shops[0], "/nowhere", **bearer)[0] == 404
    big = {"name": "x" * (1 << 20)}
    assert fetch(shops[0], "/subscription/create/", "POST", big, Content_Type="application/json", **bearer)[0] == 413


def test_another_origin_and_the_admin_cannot_be_read(fetch, shops, bearer):
    assert fetch(shops[1], "/invoice/list", **bearer) is None
    for path in ("/admin/", "/admin", "/admin/login/", "/metrics"):
        assert fetch(shops[0], path) is None
