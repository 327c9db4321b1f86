"""The distributed engine: real workers, a real broker, and hints that are lost, doubled, late or cannot be sent."""

import sys
from contextlib import closing

import pytest

from tests import brokers, servers
from tests.test_scheduler_life import billed, billing_processes, plant

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals")

CLOCK = """
import time
from invoice import hints

while True:
    print("sent" if hints.send() else "not sent", flush=True)
    time.sleep(0.1)
"""


@pytest.fixture(params=brokers.URLS)
def engine(request):
    """The settings of the Celery engine, with a queue of the test's own."""
    with brokers.queue(request.param) as settings:
        yield settings


@pytest.fixture
def database():
    with servers.database() as url:
        yield url


class Worker(servers.Process):
    """A worker of one process, started as the README says."""

    def __init__(self, **settings: str) -> None:
        super().__init__([sys.executable, "-m", *brokers.WORKER.split(), "--concurrency", "1"], **settings)


def clock(**settings: str) -> servers.Process:
    """A process that sends hints all the time, whatever is due, and says whether it could."""
    return servers.Process([*servers.MANAGE, "shell", "--no-imports", "-c", CLOCK], **settings)


def test_hints_do_not_pile_up_and_workers_who_come_late_share_what_is_due(database, engine):
    plant(database, customers=2, credit=10**6)
    with clock(DATABASE_URL=database, **engine) as hints:
        servers.until(lambda: hints.output.count("sent\n") > 20, "many hints to be sent")
        assert "not sent" not in hints.output
        assert brokers.hints_waiting(engine) == 1
        with Worker(DATABASE_URL=database, **engine) as one, Worker(DATABASE_URL=database, **engine) as other:
            for worker in (one, other):
                worker.says("Billed ")
            for worker in (one, other):
                assert worker.end() == 0
                assert billing_processes(worker.output) == []
                assert "Traceback" not in worker.output
    servers.the_books_add_up(database)


def test_a_backlog_is_billed_once_though_one_worker_is_killed_and_another_stopped_in_the_midst_of_it(
    database, engine, postgresql
):
    plant(database, customers=10, credit=3000)
    with clock(DATABASE_URL=database, **engine):
        with Worker(DATABASE_URL=database, **engine) as worker:
            servers.until(lambda: billed(database), "the first invoices")
            worker.kill()
            killed_at = billed(database)
            assert killed_at < 30_000
        with Worker(DATABASE_URL=database, **engine) as worker:
            worker.says(" ready.")
            before = billed(database)  # some of the killed worker's may have been committed after its death
            servers.until(lambda: billed(database) > before, "the next invoices")
            assert worker.end() == 0
            assert "Traceback" not in worker.output
        with Worker(DATABASE_URL=database, **engine):
            servers.until(lambda: billed(database) == 30_000, "the last worker to finish")
    invoices = "SELECT subscription_id, COUNT(*), COUNT(DISTINCT start_time) FROM invoice_invoice GROUP BY 1"
    assert {found[1:] for found in servers.rows(database, invoices)} == {(3000, 3000)}
    servers.the_books_add_up(database)


@pytest.mark.parametrize("engine", ["Redis"], indirect=True)
def test_a_worker_whose_database_connection_is_cut_bills_at_a_later_hint(database, engine, postgresql):
    cut = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    plant(database, customers=10, credit=3000)
    with Worker(DATABASE_URL=database, **engine) as worker, clock(DATABASE_URL=database, **engine):
        with closing(servers.connect(database)) as operator:
            operator.autocommit = True
            servers.until(
                lambda: operator.execute(cut) and "The database failed: " in worker.output, "a pass to be cut"
            )
        servers.until(lambda: billed(database) == 30_000, "the worker to bill")
        assert "Traceback" not in worker.output
    servers.the_books_add_up(database)


@pytest.mark.once
def test_the_clock_goes_on_while_the_broker_is_away_or_stalls_and_sends_when_it_is_back(engine):
    with (
        brokers.Proxy(engine["CELERY_BROKER_URL"]) as proxy,
        clock(**engine | {"CELERY_BROKER_URL": proxy.url}) as hints,
    ):

        def says_next(word: str) -> None:
            already = hints.output.count(f"\n{word}\n")
            servers.until(lambda: hints.output.count(f"\n{word}\n") > already + 1, f"the clock to say {word!r}")

        says_next("sent")
        for times, (take_away, give_back) in enumerate(((proxy.close, proxy.open), (proxy.stall, proxy.heal)), start=1):
            take_away()
            says_next("not sent")
            assert hints.output.count("The broker is away: ") == times
            give_back()
            says_next("sent")
            assert hints.output.count("The broker is back") == times
        assert "Traceback" not in hints.output


def test_the_scheduler_hints_and_bills_by_itself_where_the_broker_is_away(database, engine):
    plant(database, customers=1, credit=10**6)
    with brokers.Proxy(engine["CELERY_BROKER_URL"]) as proxy, Worker(DATABASE_URL=database, **engine) as worker:
        through_proxy = engine | {"CELERY_BROKER_URL": proxy.url}
        with servers.Process([*servers.MANAGE, "runscheduler"], DATABASE_URL=database, **through_proxy) as scheduler:
            worker.says("Billed ")
            proxy.close()
            scheduler.says("The broker is away: ")
            then = billed(database)
            servers.until(lambda: billed(database) > then + 2, "the scheduler to go on by itself")
            proxy.open()
            scheduler.says("The broker is back")
            assert "Traceback" not in scheduler.output
    servers.the_books_add_up(database)


@pytest.mark.once
@pytest.mark.parametrize(
    ("environment", "accepted"),
    [
        ({"INVOICE_ENGINE": "local"}, "INVOICE_ENGINE=celery and CELERY_BROKER_URL"),
        ({"INVOICE_ENGINE": "celery"}, "CELERY_BROKER_URL must be set"),
    ],
)
def test_a_worker_that_is_not_wanted_says_so_in_one_line(environment, accepted):
    pytest.importorskip("celery", reason="wants Celery: pip install -r requirements-celery.txt")
    with Worker(**environment) as worker:
        assert worker.popen.wait(servers.PATIENCE) == 1
        (line,) = worker.output.splitlines()
    assert accepted in line


@pytest.mark.parametrize("document", ["README.md", "Makefile"])
def test_workers_are_started_as_the_documents_say(document):
    assert f"{brokers.WORKER}\n" in servers.ROOT.joinpath(document).read_text("utf-8")
