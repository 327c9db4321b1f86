"""Where the scheduler runs, where it does not, and how it ends: real processes, each with its own output."""

import re
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import pytest

from invoice.schedulers import Scheduler
from tests import servers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals")

RUNSCHEDULER = [*servers.MANAGE, "runscheduler"]
ADA = {"username": "ada", "password": "correct horse", "credit": 1000}

PLANT = """
from datetime import UTC, datetime, timedelta
from customer import clock, customers
from customer.models import Customer
from subscription import subscriptions

past = datetime.now(UTC) - timedelta(hours=1)
clock.now = lambda: past
for number in range({customers}):
    late = customers.add(Customer(username=f"late{{number}}", password="!"), credit={credit})
    subscriptions.create(customer=late, name="VM", price=1, isactive=True, by=late)
"""


def billing_processes(output: str) -> list[int]:
    return [int(pid) for pid in re.findall(r"A scheduler runs in process (\d+)", output)]


def plant(database_url: str, *, customers: int, credit: int) -> None:
    """Customers who subscribed an hour ago, to be billed every second since while the credit lasts."""
    planted = servers.manage(
        "shell", "-c", PLANT.format(customers=customers, credit=credit), DATABASE_URL=database_url, INVOICE_PERIOD="1"
    )
    assert planted.returncode == 0, planted.stderr


def billed(database_url: str) -> int:
    return servers.rows(database_url, "SELECT COALESCE(SUM(invoice_count), 0) FROM customer_account")[0][0]


@pytest.fixture(scope="module")
def idle():
    """A database in which nothing is due."""
    with servers.database() as url:
        yield url


@pytest.fixture
def database():
    with servers.database() as url:
        yield url


@pytest.mark.parametrize(
    ("kind", "schedulers", "in_the_first_process"),
    [
        ("runserver", 1, True),
        ("runserver with its reloader", 1, False),
        ("gunicorn", 2, False),
        ("gunicorn --preload", 2, False),
    ],
)
def test_each_process_that_serves_bills_and_no_other(idle, kind, schedulers, in_the_first_process):
    with servers.Server(kind, DATABASE_URL=idle) as server:
        servers.until(lambda: len(billing_processes(server.output)) >= schedulers, "the schedulers to start")
        server.is_ready()
        found = billing_processes(server.output)
        assert len(found) == len(set(found)) == schedulers, server.output
        assert (server.popen.pid in found) == in_the_first_process
        assert server.end() == 0
        assert "Traceback" not in server.output
        assert "RuntimeWarning" not in server.output


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("makemigrations", "--check"),
        ("check",),
        ("collectstatic", "--noinput", "--dry-run", "--verbosity", "0"),
        ("shell", "-c", "from invoice.schedulers import Scheduler; assert not Scheduler.running()"),
    ],
)
def test_other_commands_do_not_bill(idle, command):
    done = servers.manage(*command, DATABASE_URL=idle)
    assert done.returncode == 0, done.stderr
    assert billing_processes(done.stdout + done.stderr) == []


def test_tests_do_not_bill():
    assert not Scheduler.running()


def test_starting_up_runs_no_query_even_where_the_scheduler_starts(idle):
    code = """if True:
        import os, sys, time, warnings
        warnings.simplefilter("error", RuntimeWarning)  # Django's word on a query before the apps are ready
        os.environ["DJANGO_SETTINGS_MODULE"] = "subscription_task.settings"
        sys.argv = ["manage.py", "runserver", "--noreload"]
        import django
        from invoice.apps import InvoiceConfig
        ready = InvoiceConfig.ready
        # The rest of the start takes its time: a scheduler that did not wait for it would be seen to query.
        InvoiceConfig.ready = lambda self: (ready(self), time.sleep(1))
        django.setup()
        from invoice.schedulers import Scheduler
        deadline = time.monotonic() + 60
        while Scheduler.passes.last_good is None and time.monotonic() < deadline:
            time.sleep(0.05)
        print("passed" if Scheduler.passes.last_good else "did not bill")
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=servers.ROOT,
        env=servers.environment(DATABASE_URL=idle),
        capture_output=True,
        text=True,
        timeout=2 * servers.PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "passed"
    assert "failed" not in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_runscheduler_bills_alone_in_the_foreground_until_a_signal_ends_it(idle, ended_by):
    with servers.Process(RUNSCHEDULER, DATABASE_URL=idle) as scheduler:
        scheduler.says("Billing. Ctrl-C or SIGTERM ends it.")
        assert scheduler.end(ended_by) == 0
        assert billing_processes(scheduler.output) == [scheduler.popen.pid]
        assert scheduler.output.endswith("Stopped.\n")


def test_a_web_server_with_the_scheduler_off_leaves_billing_to_runscheduler(database):
    with servers.Server("runserver", DATABASE_URL=database, SCHEDULER="off", INVOICE_PERIOD="1") as server:
        server.is_ready()
        assert server.call("POST", "/customer/register/", ADA)[0] == 201
        token = server.call("POST", "/customer/login/", ADA)[1]["access"]
        vm = server.call("POST", "/subscription/create/", {"name": "VM", "price": 1}, token)[1]
        due = datetime.fromisoformat(vm["next_invoice_at"])
        servers.until(lambda: (datetime.now(UTC) - due).total_seconds() > 2, "instants to pass")
        assert server.invoices(token) == []
        assert billing_processes(server.output) == []

        with servers.Process(RUNSCHEDULER, DATABASE_URL=database):
            servers.until(lambda: len(server.invoices(token)) >= 3, "runscheduler to bill")
        assert datetime.fromisoformat(server.invoices(token)[0]["start_time"]) == due
    servers.the_books_add_up(database)


@pytest.mark.parametrize("kind", ["runserver", "gunicorn", "runscheduler"])
def test_sigterm_in_the_midst_of_billing_ends_it_within_five_seconds_and_the_books_add_up(database, kind):
    plant(database, customers=30, credit=10**9)
    with ExitStack() as stack:
        if kind == "runscheduler":
            process = stack.enter_context(servers.Process(RUNSCHEDULER, DATABASE_URL=database))
        else:
            process = stack.enter_context(servers.Server(kind, DATABASE_URL=database))
        servers.until(lambda: billed(database), "the first invoices")
        assert process.end(signal.SIGTERM) == 0
        assert "Traceback" not in process.output
    servers.the_books_add_up(database)


def test_sigterm_ends_a_server_within_five_seconds_even_where_the_database_holds_its_pass_up(database):
    plant(database, customers=1, credit=1000)
    with closing(servers.connect(database)) as other:
        # SQLite has one lock for all; on PostgreSQL, a pass would go past the locked row of an account.
        other.execute("BEGIN IMMEDIATE" if database.startswith("sqlite") else "LOCK TABLE invoice_invoice")
        with servers.Server("gunicorn", DATABASE_URL=database) as server:
            server.says("A scheduler runs in process")
            assert server.end() == 0
    assert billed(database) == 0
    servers.the_books_add_up(database)


def test_several_schedulers_on_one_database_bill_each_instant_once(database):
    plant(database, customers=20, credit=400)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(servers.Server("gunicorn", DATABASE_URL=database)),
            stack.enter_context(servers.Server("gunicorn --preload", DATABASE_URL=database)),
            stack.enter_context(servers.Process(RUNSCHEDULER, DATABASE_URL=database)),
        ]
        servers.until(lambda: billed(database) >= 20 * 400, "the backlog to be billed")
        for process in processes:
            assert process.end() == 0
            assert "Traceback" not in process.output
    grids = servers.rows(
        database,
        "SELECT subscription_id, COUNT(*), COUNT(DISTINCT start_time), MIN(start_time), MAX(start_time), SUM(amount)"
        " FROM invoice_invoice GROUP BY subscription_id",
    )
    assert len(grids) == 20
    for _, invoices, instants, first, last, amount in grids:
        assert invoices == instants == amount == 400
        assert (_time(last) - _time(first)).total_seconds() == 399
    servers.the_books_add_up(database)


def _time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def test_runscheduler_refuses_a_database_that_is_not_migrated(tmp_path):
    refused = servers.manage("runscheduler", DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    assert refused.returncode != 0
    assert "manage.py migrate" in refused.stderr
