"""Everything that is read, asked for at once by two customers and an operator of a server that answers in threads: each
answer is, to the byte, the one that the same request gets alone.
"""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.cookiejar import CookieJar
from random import Random
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest

from tests import servers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals")

ROOT = {"username": "root", "password": "correct horse"}
ROWS = 2_100
"""The invoices of each customer: more than a piece of a file."""
OF_CUSTOMERS = (
    *(f"/{path}{end}" for path in ("subscription/list", "invoice/list") for end in ("", "?format=csv", "?page_size=7")),
    *(f"/invoice/statistics?group_by=subscription{end}" for end in ("", "&format=csv")),
    *(f"/customer/statement{end}" for end in ("", "?format=csv")),
    *("/customer/profile/", "/invoice/statistics", "/invoice/forecast?days=1"),
)
LISTS = ("customer/customer", "subscription/subscription", "invoice/invoice", "customer/ledgerentry")
OF_OPERATORS = tuple(f"/admin/{each}/{end}" for each in LISTS for end in ("", "export/"))
_TOKEN = re.compile(rb'csrfmiddlewaretoken" value="\w+"|X-CSRFToken&quot;: &quot;\w+|"X-CSRFToken": "\w+"')
_TIME = re.compile(rb"[-0-9]{10}T[0-9:.]+Z")


@dataclass(frozen=True)
class Reader:
    """Who reads what."""

    url: str
    headers: dict[str, str]
    paths: tuple[str, ...]

    def read(self, path: str) -> bytes:
        """The body of the answer, without what is of this answer alone."""
        request = Request(self.url + path, headers=self.headers)
        with build_opener(ProxyHandler({})).open(request, timeout=servers.PATIENCE) as answer:
            body = answer.read()
        return _TIME.sub(b"", body) if path.startswith("/invoice/forecast") else _TOKEN.sub(b"", body)


@pytest.fixture(scope="module")
def filled() -> Iterator[str]:
    """A database with two customers who have many invoices, and an operator."""
    with servers.database() as url:
        named = {f"DJANGO_SUPERUSER_{name.upper()}": value for name, value in ROOT.items()}
        made = servers.manage("createsuperuser", "--noinput", "--email", "", DATABASE_URL=url, **named)
        assert made.returncode == 0, made.stderr
        with servers.Server("runserver", DATABASE_URL=url, SCHEDULER="off") as server:
            for name in ("ada", "bob"):
                token = logged_in(server, name)
                for number in range(20):
                    body = {"name": f"{name} {number}", "price": 7, "isactive": False}
                    assert server.call("POST", "/subscription/create", body, token)[0] == 201
        fill(url, ROWS)
        yield url


def fill(url: str, rows: int) -> None:
    """Writes so many invoices of each customer who has twenty subscriptions."""
    with closing(servers.connect(url)) as connection:
        connection.execute(f"""
            INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
            WITH RECURSIVE past(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM past WHERE number < {rows})
            SELECT customer_id, id, id, {moment(url, 0)}, {moment(url, 1)}
            FROM past CROSS JOIN subscription_subscription WHERE MOD(number, 20) = MOD(id, 20)
        """)  # noqa: S608 - nothing in it is a client's
        connection.commit()


def moment(url: str, minutes: int) -> str:
    """The expression of a time so many minutes after the one of the row's number."""
    if url.startswith("sqlite"):
        return f"datetime('2026-01-01', (number + {minutes}) || ' minutes')"
    return f"timestamptz '2026-01-01 00:00:00Z' + (number + {minutes}) * interval '1 minute'"


def logged_in(server: servers.Server, name: str) -> str:
    body = {"username": name, "password": "correct horse", "credit": 1_000_000, "first_name": f"{name} " * 7}
    assert server.call("POST", "/customer/register/", body)[0] in (201, 400)
    return server.call("POST", "/customer/login/", body)[1]["access"]


def customer(server: servers.Server, name: str, language: str) -> Reader:
    headers = {"Authorization": f"Bearer {logged_in(server, name)}", "Accept-Language": language}
    return Reader(server.url, headers, OF_CUSTOMERS)


def operator(server: servers.Server, language: str) -> Reader:
    cookies = CookieJar()
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(cookies))
    login = f"{server.url}/admin/login/?next=/admin/"
    page = browser.open(login, timeout=servers.PATIENCE).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = urlencode(ROOT | {"csrfmiddlewaretoken": token, "next": "/admin/"}).encode()
    assert browser.open(Request(login, form, {"Referer": login}), timeout=servers.PATIENCE).url.endswith("/admin/")
    cookie = "; ".join(f"{each.name}={each.value}" for each in cookies)
    return Reader(server.url, {"Cookie": cookie, "Accept-Language": language}, OF_OPERATORS)


@pytest.mark.parametrize("kind", ["runserver", "gunicorn --threads", "uvicorn"])
def test_what_is_asked_for_at_once_is_what_each_gets_alone(filled, kind):
    servers.collect_static()
    with servers.Server(kind, DATABASE_URL=filled, SCHEDULER="off", RATE_LIMITS="off") as server:
        readers = [customer(server, "ada", "en"), customer(server, "bob", "fa"), operator(server, "fa")]
        asked = [(reader, path) for reader in readers for path in reader.paths]
        alone = [reader.read(path) for reader, path in asked]
        order = [*range(len(asked))] * 2
        Random(1).shuffle(order)  # noqa: S311 - any order will do, and the same one each time
        with ThreadPoolExecutor(6) as threads:
            found = [*threads.map(lambda one: asked[one][0].read(asked[one][1]), order)]
        wrong = {asked[one][1] for one, answer in zip(order, found, strict=True) if answer != alone[one]}
        assert not wrong
