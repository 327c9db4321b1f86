"""What was committed is answered as such, whatever becomes of what is told about it: figures, lines, files.

Real servers lose the folders they were started with, their files and their output; a top-up is made once and answered.
"""

import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from customer import accounts
from customer.models import Account, Customer
from invoice.schedulers import Scheduler
from operators.tests.test_scrape import get
from tests import servers
from tests.fixtures import PASSWORD, is_postgresql

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants POSIX files")

ADA = {"username": "ada", "password": "correct horse", "credit": 100}
TOKEN = "a-token-of-a-test/0123456789=="


@contextmanager
def serving(kind: str = "gunicorn", **more: str) -> Iterator[servers.Server]:
    with servers.database() as url:
        settings = {"DATABASE_URL": url, "SCHEDULER": "off", "METRICS_TOKEN": TOKEN} | more
        with servers.Server(kind, **settings) as server:
            yield server


def paid_in(server: servers.Server) -> str:
    """Registers, logs in, and tops up so often that each worker does; returns the token."""
    status, said = server.call("POST", "/customer/register/", ADA)
    assert (status, said.get("customer", {}).get("credit")) == (201, 100), (said, server.output)
    return paid_in_again(server, 100)


def paid_in_again(server: servers.Server, credit: int = 120) -> str:
    status, tokens = server.call("POST", "/customer/login/", ADA)
    assert status == 200, (tokens, server.output)
    for number in range(1, 21):
        answer = server.call("PUT", "/customer/increasecredit/", {"credit": 1}, tokens["access"])
        assert answer == (200, {"credit": credit + number}), server.output
    return tokens["access"]


def lost(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.rmdir()


def cut_short(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


@pytest.mark.parametrize("loss", [lost, cut_short])
def test_a_top_up_is_answered_though_the_temporary_folder_is(loss, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with serving(TMPDIR=str(folder)) as server:
        servers.until(lambda: server.call("GET", "/invoice/list")[0] == 401, "an answer that is counted")
        loss(folder)
        paid_in(server)
        assert "SIGBUS" not in server.output
        (first,) = re.findall(r"Booting worker with pid: (\d+)", server.output)[:1]
        os.kill(int(first), signal.SIGKILL)
        servers.until(lambda: server.output.count("Booting worker") == 3, "a worker in its place")
        paid_in_again(server)
        scrape = get(f"{server.url}/metrics", Authorization=f"Bearer {TOKEN}")
        assert 'endpoint="/customer/increasecredit/",method="PUT",status="200"} 40.0' in scrape


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("gunicorn", ">/dev/full 2>/dev/full"),
        ("gunicorn", "2>&1 | true"),
        ("runserver", ">&- 2>&-"),
        ("serve", ">/dev/full"),
    ],
)
def test_a_top_up_is_answered_though_nothing_can_be_said_of_it(kind, where, monkeypatch):
    said = f'"$@" {where}' if "|" in where else f'exec "$@" {where}'
    monkeypatch.setitem(servers.COMMANDS, f"{kind} unheard", ["sh", "-c", said, "sh", *servers.COMMANDS[kind]])
    with serving(f"{kind} unheard") as server:
        paid_in(server)


@pytest.mark.parametrize("where", [">/dev/full", ">&- 2>&-"])
def test_a_scheduler_bills_though_nothing_can_be_said_of_it(where):
    command = ["sh", "-c", f'exec "$@" {where}', "sh", *servers.MANAGE, "runscheduler"]
    with (
        servers.database() as url,
        servers.Server("gunicorn", DATABASE_URL=url, INVOICE_PERIOD="1", SCHEDULER="off") as server,
    ):
        token = paid_in(server)
        assert server.call("POST", "/subscription/create/", {"name": "VM", "price": 1}, token)[0] == 201
        with servers.Process(command, DATABASE_URL=url) as scheduler:
            servers.until(lambda: len(server.invoices(token)) >= 3, "three invoices")
            assert scheduler.end() == 0


@pytest.mark.django_db
def test_a_session_that_is_gone_does_not_turn_an_act_into_an_error(client, make_customer):
    """An operator is logged out elsewhere while a top-up is made, and its message wants to be kept in the session."""
    boss = Customer.objects.create_superuser("boss", password=PASSWORD)
    ada = make_customer("ada", credit=1)
    client.force_login(boss)

    def top_up_and_lose_the_session(**said):
        credit = top_up(**said)
        Session.objects.all().delete()
        return credit

    top_up = accounts.top_up
    page = f"/admin/customer/customer/{ada.pk}/top-up/"
    form = {"amount": "5", "reason": "x" * 200}
    seen = re.search(r'name="_seen" value="([^"]*)"', client.post(page, form).content.decode())[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "top_up", top_up_and_lose_the_session)
        # Django keeps a message in a cookie; in the session where that is full, as here.
        patch.setattr("django.contrib.messages.storage.cookie.CookieStorage.max_cookie_size", 1)
        answer = client.post(page, form | {"_confirmed": "1", "_seen": seen})
    assert answer.status_code == 302
    assert Account.objects.get(pk=ada.pk).credit == 6


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_that_fails_leaves_the_top_up_answered(make_customer, client_of, monkeypatch):
    client = client_of(make_customer("ada", credit=1))
    monkeypatch.setattr(Scheduler, "wakeup", lambda: 1 / 0)
    answer = client.put("/customer/increasecredit/", {"credit": 4}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"credit": 5})


@pytest.mark.parametrize("broken", ["operators.monitoring.counts.add", "subscription_task.http.requests.address"])
def test_what_middleware_does_with_an_answer_leaves_it_as_it_is(broken, make_customer, client_of, monkeypatch):
    client = client_of(make_customer("ada", credit=1))
    monkeypatch.setattr(broken, lambda *_: 1 / 0)
    answer = client.put("/customer/increasecredit/", {"credit": 4}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"credit": 5})


def test_a_database_that_takes_no_changes_is_not_ready(client, settings, db):
    settings.SCHEDULER = "off"
    assert client.get("/readyz").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SET transaction_read_only = on" if is_postgresql() else "PRAGMA query_only = on")
    try:
        answer = client.get("/readyz")
    finally:
        if not is_postgresql():
            connection.cursor().execute("PRAGMA query_only = off")
    assert (answer.status_code, answer.json()["wrong"]) == (503, ["the database takes no changes"])
