"""All of the service through PgBouncer in transaction mode, where each transaction may have another session."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import psycopg
import pytest

from tests import pgbouncer, servers

pytestmark = [
    pytest.mark.usefixtures("postgresql"),
    pytest.mark.skipif(pgbouncer.PROGRAM is None, reason="wants the Debian package pgbouncer: .ci/run installs it"),
]
PASSWORD = "a long sentence of ada"
PAGES = (
    "customer/customer/",
    "customer/customer/{id}/change/",
    "customer/customer/add/",
    "subscription/subscription/",
    "invoice/invoice/",
    "customer/ledgerentry/",
    "auth/group/add/",
    "",
)
HAS = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"


@pytest.fixture
def direct():
    with servers.database() as url:
        yield url


@pytest.fixture
def through(direct):
    with pgbouncer.before(direct) as url:
        yield url


@pytest.fixture
def server(through):
    servers.collect_static()
    with servers.Server("gunicorn", DATABASE_URL=through, INVOICE_PERIOD="1") as server:
        server.is_ready()
        yield server


def operator(server, through):
    """What opens pages as a superuser."""
    done = servers.manage(
        "createsuperuser", "--noinput", "--username", "root", "--email", "root@billing.example",
        DATABASE_URL=through, DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
    login = f"{server.url}/admin/login/"
    with opener.open(login) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())[1]
    form = {"csrfmiddlewaretoken": token, "username": "root", "password": PASSWORD, "next": "/admin/"}
    opener.open(login, urlencode(form).encode()).close()
    return opener


def test_passes_requests_the_admin_an_export_and_migrate_share_a_few_sessions(server, through, direct):
    status, answer = server.call(
        "POST", "/customer/register/", {"username": "ada", "password": PASSWORD, "credit": 100_000}
    )
    assert status == 201, answer
    token = server.call("POST", "/customer/login/", {"username": "ada", "password": PASSWORD})[1]["access"]
    for number in range(10):
        body = {"name": f"vm {number}", "price": 1}
        assert server.call("POST", "/subscription/create/", body, token)[0] == 201
    root = operator(server, through)

    def look(page: str) -> int:
        with root.open(f"{server.url}/admin/{page.format(id=answer['customer']['id'])}") as found:
            return found.status

    def top_up(number: int) -> int:
        return server.call("PUT", "/customer/increasecredit/", {"credit": 1}, token)[0]

    with ThreadPoolExecutor(6) as threads:
        pages = threads.map(look, PAGES)
        migrated = threads.submit(servers.manage, "migrate", DATABASE_URL=through)
        assert set(threads.map(top_up, range(24))) == {200}
        assert set(pages) == {200}
        assert migrated.result().returncode == 0, migrated.result().stderr
    servers.until(lambda: len(server.invoices(token)) >= 20, "two passes")
    with root.open(f"{server.url}/admin/invoice/invoice/export/") as export:
        assert len(export.read().splitlines()) > 20
    (count,) = servers.rows(direct, HAS.format(servers.name_of(direct)))[0]
    assert count <= pgbouncer.SESSIONS
    assert servers.rows(direct, "SELECT count(*) FROM invoice_tally WHERE writer < 0") == [(0,)]
    servers.the_books_add_up(through)


def test_migrate_leaves_nothing_in_the_sessions_that_others_have_next(direct):
    servers.administer(direct, f"ALTER DATABASE {servers.name_of(direct)} SET lock_timeout = '77s'")
    undone = servers.manage("migrate", "operators", "zero", DATABASE_URL=direct)
    assert undone.returncode == 0, undone.stderr
    with pgbouncer.before(direct) as through:
        done = servers.manage("migrate", DATABASE_URL=through)
        assert done.returncode == 0, done.stderr
        with ExitStack() as stack:
            found = [stack.enter_context(closing(psycopg.connect(through))) for _ in range(pgbouncer.SESSIONS)]
            # Each is in a transaction, so these are all the sessions that there are.
            assert {each.execute("SHOW lock_timeout").fetchone()[0] for each in found} == {"77s"}


def test_a_default_that_its_options_would_have_overruled_is_refused_with_a_remedy(direct):
    servers.administer(
        direct, f"ALTER DATABASE {servers.name_of(direct)} SET default_transaction_isolation = 'serializable'"
    )
    with pgbouncer.before(direct) as through:
        done = servers.manage("check_billing", DATABASE_URL=through)
    assert done.returncode != 0
    assert "SET default_transaction_isolation = 'read committed'" in done.stderr.splitlines()[-1]
