"""What `/metrics` says of billing, taken from the database."""

import math
import os
import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext

from customer import accounts
from customer.models import Account
from invoice import tallies
from invoice.checks import report
from invoice.models import Invoice, Tally
from operators import metrics, presence, samples
from operators.metrics import Billing
from operators.models import SchedulerProcess
from subscription import subscriptions
from tests.fixtures import EPOCH


def read() -> dict[tuple, float]:
    """Every sample by its name and, behind it, the values of its labels."""
    found = [sample for family in Billing().collect() for sample in family.samples]
    read = {(sample.name, *sample.labels.values()): sample.value for sample in found}
    assert len(read) == len(found), "Prometheus refuses a series that is there twice"
    return read


@pytest.fixture(autouse=True)
def _not_reported_before(monkeypatch):
    monkeypatch.setattr(presence, "_started_at", {})


@pytest.fixture
def ada(make_customer, fake_clock):
    """One who has a subscription that runs, one that is off and one that is too dear."""
    ada = make_customer("ada", credit=100)
    for price, isactive in ((1, True), (2, False), (500, True)):
        subscriptions.create(customer=ada, name="VM", price=price, isactive=isactive, by=ada)
    return ada


@pytest.fixture
def process(db, fake_clock) -> SchedulerProcess:
    presence.report()
    SchedulerProcess.objects.update(host="one", passes=3, invoices=7, seconds=1.5, failures=2, up_to=[0] * 5 + [3] * 6)
    return SchedulerProcess.objects.get()


def again(process: SchedulerProcess, **different) -> None:
    process.pk = None
    for name, value in different.items():
        setattr(process, name, value)
    process.save(force_insert=True)


def test_before_anything_has_happened_it_says_so_and_nothing_that_it_does_not_know(db):
    assert read() == {
        ("billing_database_up",): 1,
        ("billing_invoices_total",): 0,
        ("billing_charged_amount_total",): 0,
        ("billing_lag_seconds",): 0,
        ("billing_backlog_jobs",): 0,
        ("billing_accounts_set_aside",): 0,
    }


def test_what_was_charged_is_what_the_invoices_come_to(ada, fake_clock, run_pass):
    fake_clock.at(1800)
    run_pass()
    found = read()
    assert found["billing_invoices_total",] == Invoice.objects.count() == 3
    assert found["billing_charged_amount_total",] == 3


def test_what_was_charged_stays_the_same_to_the_last_digit_when_it_is_added_up(db, fake_clock):
    amounts = [10**14 + 17 * number for number in range(80)]
    for number, amount in enumerate(amounts):
        Tally.objects.create(minute=EPOCH + timedelta(seconds=60 * number), writer=5, invoices=2, amount=amount)
    before = read()
    fake_clock.at(10 * 86_400)
    tallies.compact()
    assert Tally.objects.count() == 2
    after = read()
    assert before["billing_charged_amount_total",] == after["billing_charged_amount_total",] == sum(amounts)
    assert before["billing_invoices_total",] == after["billing_invoices_total",] == 160


def test_more_than_one_number_of_the_database_holds_is_summed_all_the_same(db):
    for minute in range(3):
        Tally.objects.create(minute=EPOCH + timedelta(seconds=60 * minute), writer=5, invoices=1, amount=2**62 + minute)
    assert read()["billing_charged_amount_total",] == 3 * 2**62 + 3


def test_lag_and_backlog_are_those_of_this_moment_and_leave_out_what_is_set_aside(ada, make_customer, fake_clock):
    grace = make_customer("grace", credit=100)
    subscriptions.create(customer=grace, name="VM", price=1, isactive=True, by=grace)
    fake_clock.at(630)
    assert (read()["billing_lag_seconds",], read()["billing_backlog_jobs",]) == (30, 2)
    accounts.set_aside(customer_id=ada.pk, error="a test's")
    found = read()
    assert (found["billing_lag_seconds",], found["billing_backlog_jobs",]) == (30, 1)
    assert found["billing_accounts_set_aside",] == 1
    accounts.set_aside(customer_id=grace.pk, error="a test's")
    assert (read()["billing_lag_seconds",], read()["billing_backlog_jobs",]) == (0, 0)


def test_the_backlog_is_counted_no_further_than_it_says(ada, fake_clock, monkeypatch):
    monkeypatch.setattr(metrics, "MOST_JOBS", 2)
    for _ in range(3):
        subscriptions.create(customer=ada, name="VM", price=1, isactive=True, by=ada)
    fake_clock.at(630)
    assert read()["billing_backlog_jobs",] == 2


def test_subscriptions_and_what_they_come_to_are_those_of_the_last_sample(ada, fake_clock):
    samples.sample()
    found = read()
    states = {name[1]: value for name, value in found.items() if name[0] == "billing_subscriptions"}
    assert states == {"running": 1, "deactivated": 1, "insufficient_credit": 1}
    assert found["billing_expected_income_per_day",] == 144
    assert found["billing_sample_timestamp_seconds",] == EPOCH.timestamp()


def test_the_last_recorded_check_is_told_of(ada, fake_clock):
    report.record(report.run(progress=lambda _: None))
    first = read()
    assert first["billing_check_faults",] == 0
    Account.objects.update(credit=F("credit") + 1)
    report.record(report.run(progress=lambda _: None))
    second = read()
    assert second["billing_check_faults",] >= 1
    assert second["billing_check_timestamp_seconds",] >= first["billing_check_timestamp_seconds",] > 0


def test_passes_are_told_by_process_in_a_histogram_that_adds_up(ada, fake_clock, run_pass):
    presence.report()
    here = (socket.gethostname(), str(os.getpid()))
    before = read()
    fake_clock.at(1230)
    run_pass()
    presence.report()
    found = read()
    assert found["billing_pass_invoices_total", *here] - before["billing_pass_invoices_total", *here] == 2
    assert found["billing_pass_seconds_count", *here] - before["billing_pass_seconds_count", *here] == 1
    buckets = {float(name[3]): value for name, value in found.items() if name[0] == "billing_pass_seconds_bucket"}
    assert list(buckets.values()) == sorted(buckets.values())
    assert buckets[math.inf] == found["billing_pass_seconds_count", *here]
    assert found["billing_pass_seconds_sum", *here] > before["billing_pass_seconds_sum", *here]
    assert (
        found["billing_scheduler_last_pass_timestamp_seconds", here[0]] == (EPOCH + timedelta(seconds=1230)).timestamp()
    )


def test_a_host_whose_schedulers_are_silent_is_down_while_another_is_up(process, fake_clock):
    again(process, host="two")
    fake_clock.advance(20)
    found = read()
    assert (found["billing_scheduler_up", "one"], found["billing_scheduler_up", "two"]) == (1, 1)
    fake_clock.advance(1)
    again(process, host="two", pid=1, seen_at=fake_clock.now())
    found = read()
    assert (found["billing_scheduler_up", "one"], found["billing_scheduler_up", "two"]) == (0, 1)
    assert found["billing_pass_failures_total", "one", str(os.getpid())] == 2


def test_a_number_that_was_given_to_a_new_process_is_told_of_once(process, fake_clock):
    fake_clock.advance(9)
    again(process, started_at=fake_clock.now(), seen_at=fake_clock.now(), invoices=1)
    assert read()["billing_pass_invoices_total", "one", str(process.pid)] == 1


def test_only_so_many_processes_are_told_of_the_latest_first(process, fake_clock, monkeypatch):
    monkeypatch.setattr(metrics, "MOST_PROCESSES", 2)
    for number in (1, 2):
        fake_clock.advance(1)
        again(process, host=f"new {number}", seen_at=fake_clock.now())
    assert [name[1] for name in read() if name[0] == "billing_scheduler_up"] == ["new 1", "new 2"]


def test_a_database_that_does_not_answer_is_said_to_be_down(db, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("gone")

    with connection.execute_wrapper(refuse):
        assert read() == {("billing_database_up",): 0}


@pytest.mark.django_db(transaction=True)
def test_it_opens_no_transaction(ada):
    samples.sample()
    with CaptureQueriesContext(connection) as queries:
        assert read()["billing_database_up",] == 1
    assert not connection.in_atomic_block
    statements = [query["sql"] for query in queries]
    assert len(statements) < 12
    assert [each for each in statements if not each.lstrip().startswith("SELECT")] == []
