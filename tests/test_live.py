"""The service as it is run: a server is killed with invoices due, and another one makes each of them, once."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests import servers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals")

ALIFA = {"username": "Alifa", "password": "ali1380", "first_name": "ali", "last_name": "fa", "credit": "350000"}
PERIOD = timedelta(seconds=1)


@pytest.mark.parametrize("kind", ["runserver", "gunicorn --preload"])
def test_what_falls_due_while_a_killed_server_is_down_is_billed_once_by_the_next(kind):
    with servers.database() as database:
        settings = {"DATABASE_URL": database, "INVOICE_PERIOD": "1"}

        with servers.Server(kind, **settings) as server:
            status, registered = server.call("POST", "/customer/register/", ALIFA)
            assert (status, registered["customer"]["credit"]) == (201, 350_000)
            token = server.call("POST", "/customer/login/", {"username": "alifa", "password": "ali1380"})[1]["access"]
            status, vm = server.call("POST", "/subscription/create/", {"name": "VM", "price": 450}, token)
            assert (status, vm["isactive"], vm["paused_because"]) == (201, True, None)
            anchor = datetime.fromisoformat(vm["created_at"]).replace(microsecond=0)
            servers.until(lambda: len(server.invoices(token)) >= 3, "three invoices")
            on_the_grid_without_a_gap(server.invoices(token), anchor)
            server.kill()

        killed = datetime.now(UTC)
        servers.until(lambda: datetime.now(UTC) > killed + 3 * PERIOD, "instants to pass")

        with servers.Server(kind, **settings) as server:
            back = datetime.now(UTC)
            servers.until(lambda: start(server.invoices(token)[-1]) > back, "what fell due meanwhile, and the present")
            invoices = server.invoices(token)
            on_the_grid_without_a_gap(invoices, anchor)
            assert sum(killed < start(invoice) < back for invoice in invoices) >= 3
            status, statistics = server.call("GET", "/invoice/statistics", token=token)
            assert status == 200
            assert statistics["total_cost_amount"] == 450 * statistics["number_of_invoices"]
            server.kill()

        servers.the_books_add_up(database)


def start(invoice: dict) -> datetime:
    return datetime.fromisoformat(invoice["start_time"])


def on_the_grid_without_a_gap(invoices: list[dict], anchor: datetime) -> None:
    """Asserts that the invoices, oldest first, are those of anchor + 1 period, + 2 periods, and so on."""
    assert [start(invoice) for invoice in invoices] == [anchor + k * PERIOD for k in range(1, len(invoices) + 1)]
    for invoice in invoices:
        assert datetime.fromisoformat(invoice["end_time"]) == start(invoice) + PERIOD
        assert invoice["amount"] == 450
