import re
import socket
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

import pytest

from customer import clock
from customer.models import Customer
from operators.demo import history, staff
from tests import demos, servers

pytestmark = pytest.mark.once
LISTS = (
    "customer/customer/",
    "subscription/subscription/",
    "invoice/invoice/",
    "customer/setaside/",
    "admin/logentry/",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> str:
    return demos.fill(tmp_path_factory.mktemp("demo") / "demo.sqlite3")


def count(url: str, rows: str) -> int:
    return servers.rows(url, f"SELECT COUNT(*) FROM {rows}")[0][0]


def test_a_demo_has_something_for_each_part_of_the_dashboard(small):
    assert count(small, "operators_sample") == 144  # one in ten minutes of the last day
    assert count(small, "operators_flapping") == 1
    assert count(small, "operators_runsdry") > 2
    assert servers.rows(small, "SELECT faults FROM invoice_checked") == [(0,)]
    assert count(small, "customer_ledgerentry WHERE kind = 'adjustment'") == 6
    assert count(small, "django_admin_log WHERE change_message LIKE '%Reason: %'") >= 6
    assert count(small, "subscription_pause WHERE paused_because = 'insufficient_credit'") > 0
    assert servers.rows(small, "SELECT DISTINCT period FROM subscription_subscription ORDER BY 1") == [(60,), (3600,)]


def test_a_demos_books_are_proved_but_for_one_account_which_a_repair_mends(small):
    checked = servers.manage("check_billing", DATABASE_URL=small)
    ((customer_id,),) = servers.rows(small, "SELECT account_id FROM customer_setaside")
    faults = re.findall(r"^(.*) \[\w+\]$", checked.stdout, re.MULTILINE)
    assert checked.returncode == 1
    assert len(faults) > 0
    assert all(re.match(rf"account {customer_id}\b", fault) for fault in faults)

    repaired = servers.manage("repair_billing", str(customer_id), DATABASE_URL=small)
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    servers.the_books_add_up(small)


@pytest.mark.django_db
def test_filling_a_demo_leaves_the_real_database_and_the_clock_alone(tmp_path):
    now = clock.now
    history.fill(tmp_path / "demo.sqlite3", password="", progress=lambda share: None, customers=[], days=4)
    assert clock.now is now
    assert not Customer.objects.exists()


def test_the_demo_serves_a_provider_that_lives_on_and_leaves_nothing_behind(tmp_path):
    port = servers.free_port()
    with servers.Process([*servers.MANAGE, "demo", str(port)], TMPDIR=str(tmp_path)) as demo:
        demo.says("Quit the server")
        password = re.search(r"with the password (\w+)", demo.output)[1]
        (path,) = tmp_path.glob("demo-*/demo.sqlite3")
        url = f"sqlite:///{path}"
        billed = count(url, "invoice_invoice")
        assert billed > 100_000
        for username in staff.GROUPS:
            browser = _logged_in(f"http://localhost:{port}", username, password)
            for page in LISTS:
                with browser.open(f"http://localhost:{port}/admin/{page}") as answer:
                    assert answer.status == 200
        servers.until(lambda: count(url, "invoice_invoice") > billed, "an invoice after the history")
        demo.popen.terminate()
        assert demo.popen.wait(timeout=servers.PATIENCE) == 0, demo.output
    assert list(tmp_path.glob("demo-*")) == []


def test_the_demo_says_at_once_that_its_port_is_in_use():
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = servers.manage("demo", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot be used" in done.stderr


def _logged_in(base: str, username: str, password: str) -> OpenerDirector:
    """A browser that has come to the dashboard."""
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(cookies := CookieJar()))
    servers.until(lambda: _answers(browser, f"{base}/admin/login/"), "the login page")
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    said = {"username": username, "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
    with browser.open(f"{base}/admin/login/", urlencode(said).encode()) as page:
        assert "Income per day" in page.read().decode()
    return browser


def _answers(browser: OpenerDirector, url: str) -> bool:
    try:
        with browser.open(url) as page:
            return page.status == 200
    except OSError:
        return False
