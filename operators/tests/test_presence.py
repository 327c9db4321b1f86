"""Who bills, as the processes say themselves."""

import os
import socket

import pytest

from operators import presence
from operators.models import SchedulerProcess
from subscription import subscriptions
from tests import servers
from tests.fixtures import PASSWORD

STATES = "SELECT pid, state, invoices > 0 FROM operators_schedulerprocess"


@pytest.fixture(autouse=True)
def _not_reported_before(monkeypatch):
    monkeypatch.setattr(presence, "_started_at", {})


def test_a_process_reports_what_its_passes_have_come_to(make_customer, fake_clock, run_pass):
    ada = make_customer("ada", credit=50)
    for price in (1, 2):
        subscriptions.create(customer=ada, name="VM", price=price, isactive=True, by=ada)
    presence.report()
    before = SchedulerProcess.objects.get()
    fake_clock.at(1205)
    run_pass()
    presence.report()

    process = SchedulerProcess.objects.get()
    assert (process.host, process.pid) == (socket.gethostname(), os.getpid())
    assert process.passes == before.passes + 1
    assert process.invoices == before.invoices + 4
    assert process.seconds > before.seconds
    assert process.up_to[-1] == process.passes
    assert process.up_to == sorted(process.up_to)
    assert (process.last_at, process.last_invoices) == (fake_clock.now(), 4)
    assert process.seen_at == fake_clock.now() > process.started_at == before.started_at
    assert process.state == "bills"


def test_a_process_that_is_long_gone_is_forgotten(db, fake_clock):
    presence.report()
    SchedulerProcess.objects.update(host="another")
    fake_clock.advance(86_401)
    presence.report()
    assert SchedulerProcess.objects.get().host == socket.gethostname()


def test_a_process_that_reported_by_a_clock_a_year_ahead_does_not_count_as_up_and_is_forgotten(db, fake_clock):
    fake_clock.advance(365 * 86_400)
    presence.report()
    SchedulerProcess.objects.update(host="another")
    dead = SchedulerProcess.objects.get()
    fake_clock.at(0)
    assert not presence.is_heard_of(dead, at=fake_clock.now())
    presence.report()
    assert SchedulerProcess.objects.get().host == socket.gethostname()


def test_a_scheduler_says_that_it_bills_and_the_one_beside_it_that_it_stands_by():
    with servers.database() as url:
        settings = servers.PRODUCTION | {"DATABASE_URL": url, "INVOICE_PERIOD": "1"}
        with (
            servers.Process([*servers.MANAGE, "runscheduler"], **settings) as first,
            servers.Server("gunicorn", DATABASE_URL=url, INVOICE_PERIOD="1", SCHEDULER="off") as server,
        ):
            ada = {"username": "ada", "password": PASSWORD, "credit": 1_000_000}
            assert server.call("POST", "/customer/register/", ada)[0] == 201
            token = server.call("POST", "/customer/login/", ada)[1]["access"]
            assert server.call("POST", "/subscription/create/", {"name": "VM", "price": 1}, token)[0] == 201
            bills = (first.popen.pid, "bills", True)
            servers.until(lambda: reported(url) == {bills}, "it to report")
            with servers.Process([*servers.MANAGE, "runscheduler"], **settings) as second:
                stands_by = (second.popen.pid, "stands_by", False)
                servers.until(lambda: reported(url) == {bills, stands_by}, "both to report")


def reported(url: str) -> set[tuple]:
    return {(pid, state, bool(billed)) for pid, state, billed in servers.rows(url, STATES)}
