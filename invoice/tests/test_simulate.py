"""The time machine: the same seed is the same books, a forecast comes true, and the real database is never touched.

HISTORIES in the environment says how many forecasts are put to the test, eight histories for each.
"""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django_apscheduler.models import DjangoJob
from hypothesis import HealthCheck, given, settings

from customer import accounts, clock, customers
from customer.models import Account, Customer, SetAside
from invoice import billing
from invoice.management.commands.simulate import Command
from invoice.models import Invoice
from invoice.schedulers import Scheduler
from invoice.simulation import machine, provider, scratch
from invoice.simulation.forecast import Line
from subscription import subscriptions
from subscription.models import Pause, Subscription
from tests.fixtures import EPOCH, process_jobs

DAY = 86_400
HISTORIES = int(os.environ.get("HISTORIES", "56")) // 8


def quiet(share):
    pass


def contents():
    """Every row of the database."""
    return {model: list(model.objects.order_by("pk").values()) for model in apps.get_models()}


def invoices():
    return set(Invoice.objects.values_list("subscription_id", "amount", "start_time", "end_time"))


def subscribe(customer, *, price=450, isactive=True):
    return subscriptions.create(customer=customer, name="VM", price=price, isactive=isactive, by=customer)


def drain(clock):
    while (due := billing.next_due()) and due <= clock.time:
        process_jobs()


def standing():
    """Where the real database has each subscription: from when it is dry, and the credit."""
    return {
        subscription.pk: (
            str(subscription.pauses.get(restored_from=None).withheld_from)
            if subscription.isactive and subscription.next_invoice_at is None
            else None,
            subscription.customer.credit,
        )
        for subscription in Subscription.objects.with_next_invoice()
    }


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


# --- an invented provider -------------------------------------------------------------------------


def invented_books(seed):
    end = provider.EPOCH + timedelta(days=3)
    with scratch.database():
        actors = [provider.customer(number=number, seed=seed, end=end) for number in (1, 2, 3)]
        machine.live(actors, begin=provider.EPOCH, end=end, progress=quiet)
        return contents()


@pytest.mark.once
def test_the_same_seed_makes_the_same_books_to_the_row(db):
    first = invented_books(7)
    assert len(first[Invoice]) > 100
    assert first == invented_books(7)


@pytest.mark.once
def test_another_seed_makes_other_books(db):
    assert invented_books(7)[Invoice] != invented_books(8)[Invoice]


@pytest.mark.once
def test_an_invented_provider_lives_through_all_that_can_happen(db):
    seen = set()

    def look(share):
        """At the scratch database, as all code does meanwhile."""
        seen.update(*Pause.objects.values_list("paused_on", "resumed_on"))

    machine.of_invented(customers=12, seed=1, days=1, progress=look)
    assert seen >= {"charge", "top_up", "activation", "deactivation"}


@pytest.mark.once
def test_an_invented_provider_wants_no_database():
    """A process of its own, whose database is not there."""
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere"}
    command = [sys.executable, "manage.py", "simulate", "--days", "1", "--customers", "2", "--json"]
    done = subprocess.run(
        command, env=environment, cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["invoices"] > 0


# --- a copy ---------------------------------------------------------------------------------------


def test_a_copy_tells_what_is_invoiced_and_what_runs_dry(ada, fake_clock):
    dear, cheap = subscribe(ada, price=450), subscribe(ada, price=2)
    off = subscribe(ada, isactive=False)
    forecast = machine.of_copy(days=1, progress=quiet)
    about = {"customer": ada.pk, "username": "ada", "period": 600, "credit": 0}
    assert [line._asdict() for line in forecast.lines] == [
        about
        | {"subscription": dear.pk, "price": 450, "invoices": 2, "amount": 900}
        | {"dry_from": "2030-01-01 00:30:00+00:00", "lacks": 450},
        about
        | {"subscription": cheap.pk, "price": 2, "invoices": 50, "amount": 100}
        | {"dry_from": "2030-01-01 08:30:00+00:00", "lacks": 2},
        about | {"subscription": off.pk, "price": 450, "invoices": 0, "amount": 0} | {"dry_from": None, "lacks": 0},
    ]
    assert forecast.days == [("2030-01-01", 52, 1000)]
    assert forecast.total == ("total", 52, 1000)
    assert forecast.set_aside == []
    assert (forecast.begin, forecast.end) == (EPOCH, EPOCH + timedelta(days=1))


def test_what_is_switched_on_without_credit_is_dry_since_it_was_last_billed(ada, fake_clock):
    vm = subscribe(ada, price=2000, isactive=False)
    subscriptions.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=True, by=None)
    (line,) = machine.of_copy(days=1, progress=quiet).lines
    assert (line.dry_from, line.lacks) == ("2030-01-01 00:10:00+00:00", 1000)


def test_a_backlog_is_billed_at_its_own_instants(ada, fake_clock):
    subscribe(ada, price=1)
    fake_clock.at(2 * DAY)
    assert machine.of_copy(days=1, progress=quiet).days == [
        ("2030-01-01", 143, 143),
        ("2030-01-02", 144, 144),
        ("2030-01-03", 144, 144),
        ("2030-01-04", 1, 1),
    ]


def test_an_account_set_aside_is_named_and_the_others_are_billed(ada, make_customer, fake_clock, capsys):
    vm = subscribe(ada)
    broken = subscribe(make_customer("bob", credit=1000))
    DjangoJob.objects.filter(pk=str(broken.pk)).update(next_run_time=EPOCH)
    accounts.set_aside(customer_id=broken.customer_id, error="its job was moved")
    call_command("simulate", "--copy", "--csv")
    out, err = capsys.readouterr()
    assert [row["subscription"] for row in csv.DictReader(io.StringIO(out))] == [str(vm.pk)]
    assert err == f"Set aside, so not billed: account {broken.customer_id} (bob): its job was moved\n"


def test_damage_that_nobody_has_met_yet_sets_the_account_aside_in_the_copy_alone(ada, make_customer, fake_clock):
    vm = subscribe(ada)
    broken = subscribe(make_customer("bob", credit=1000))
    DjangoJob.objects.filter(pk=str(broken.pk)).update(next_run_time=EPOCH + timedelta(seconds=17))
    forecast = machine.of_copy(days=1, progress=quiet)
    ((customer_id, name, error),) = forecast.set_aside
    assert (customer_id, name) == (broken.customer_id, "bob")
    assert "stands at 2030-01-01 00:00:17" in error
    assert {line.subscription: line.invoices for line in forecast.lines} == {vm.pk: 2, broken.pk: 0}
    assert not SetAside.objects.exists()


def test_damage_that_billing_would_not_notice_is_no_forecast(ada, fake_clock):
    vm = subscribe(ada)
    DjangoJob.objects.filter(pk=str(vm.pk)).update(next_run_time=None)
    with pytest.raises(CommandError, match=r"No forecast\. The checks found faults(.|\n)*\[job_paused\]") as refused:
        call_command("simulate", "--copy")
    assert refused.value.returncode == 1


def test_an_income_beyond_64_bits_is_summed(make_customer, fake_clock):
    for name in ("ada", "bob"):
        subscribe(make_customer(name, credit=2**63 - 1), price=2**62)
    forecast = machine.of_copy(days=1, progress=quiet)
    assert forecast.days == [("2030-01-01", 2, 2**63)]


# --- the forecast comes true ----------------------------------------------------------------------

wanted = st.tuples(
    st.sampled_from([1, 50, 90, 333]),  # the price
    st.sampled_from([600, 3600, 7919, DAY]),  # the period
    st.booleans(),
    st.sampled_from([0, 0.25, 600, 4321]),  # the seconds before it
)
buyers = st.tuples(st.integers(0, 9000), st.lists(wanted, max_size=3))
events = st.tuples(
    st.sampled_from(["pass", "top up", "switch", "reprice"]), st.integers(0, 9), st.sampled_from([0, 600, 5000, 90_000])
)


def happen(event, pick):
    subscription = list(Subscription.objects.order_by("pk"))[pick % Subscription.objects.count()]
    which = {"customer_id": subscription.customer_id, "subscription_id": subscription.pk, "by": None}
    match event:
        case "pass":
            process_jobs()
        case "top up":
            accounts.top_up(customer_id=subscription.customer_id, amount=400, by=None)
        case "switch":
            subscriptions.set_active(isactive=not subscription.isactive, **which)
        case "reprice":
            subscriptions.change_price(price=subscription.price * 2, **which)


@pytest.mark.django_db
@settings(max_examples=max(HISTORIES, 1), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    bought=st.lists(buyers, min_size=1, max_size=3),
    events=st.lists(events, max_size=5),
    late=st.sampled_from([0, 0.5, 601, 2 * DAY]),
    days=st.integers(1, 3),
)
def test_a_forecast_is_what_then_happens(bought, events, late, days, fake_clock):
    fake_clock.at(0)
    before = django_settings.INVOICE_PERIOD
    with transaction.atomic():
        try:
            for number, (credit, things) in enumerate(bought):
                who = customers.add(Customer(username=f"customer{number}", password="!"), credit=credit)
                for price, django_settings.INVOICE_PERIOD, isactive, later in things:
                    fake_clock.advance(later)
                    subscribe(who, price=price, isactive=isactive)
            if Subscription.objects.exists():
                for event, pick, later in events:
                    fake_clock.advance(later)
                    happen(event, pick)
            fake_clock.advance(late)
            compare(days, fake_clock)
        finally:
            django_settings.INVOICE_PERIOD = before
            transaction.set_rollback(True)


def compare(days, fake_clock):
    """Makes a forecast, lets it come true day by day, and compares the two."""
    foretold = set()
    forecast = machine.of_copy(days=days, progress=lambda share: foretold.update(invoices()))
    old = invoices()
    for _ in range(days):
        fake_clock.advance(DAY)
        drain(fake_clock)
    assert foretold == invoices() - old
    assert {line.subscription: (line.dry_from, line.credit) for line in forecast.lines} == standing()
    assert forecast.total[1:] == (len(foretold), sum(amount for _, amount, _, _ in foretold))


# --- the real database and clock ------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("subject", [["--copy"], ["--customers", "2"]])
def test_the_real_database_is_not_written(subject, ada, fake_clock, capsys):
    subscribe(ada)
    fake_clock.at(5000)  # there is a backlog to be billed

    def files():
        name = connection.settings_dict["NAME"]
        return [Path(f"{name}{end}").read_bytes() for end in ("", "-wal")] if connection.vendor == "sqlite" else []

    before = contents(), files()
    call_command("simulate", *subject, "--days", "2")
    assert (contents(), files()) == before


def test_clock_and_database_are_back_after_a_failure(ada, fake_clock):
    subscribe(ada)

    def fail(share):
        assert Account.objects.get().credit == 100  # the copy's, after a sixtieth of 60 days
        assert clock.now() == EPOCH + timedelta(days=1)
        raise KeyboardInterrupt

    real = connection.connection
    with pytest.raises(KeyboardInterrupt):
        machine.of_copy(days=60, progress=fail)
    assert clock.now() == EPOCH
    assert Account.objects.get().credit == 1000
    assert connection.connection is real


def test_it_refuses_a_process_whose_scheduler_runs(db, monkeypatch):
    monkeypatch.setattr(Scheduler, "running", lambda: True)
    with pytest.raises(RuntimeError, match="simulate in another"):
        machine.of_invented(customers=1, seed=1, days=1, progress=quiet)


# --- the command ----------------------------------------------------------------------------------


def test_json_is_one_object(ada, fake_clock, capsys):
    vm = subscribe(ada)
    call_command("simulate", "--copy", "--days", "1", "--json")
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "begin": "2030-01-01T00:00:00+00:00",
        "end": "2030-01-02T00:00:00+00:00",
        "invoices": 2,
        "amount": 900,
        "days": [{"date": "2030-01-01", "invoices": 2, "amount": 900}],
        "subscriptions": [
            {
                "customer": ada.pk,
                "username": "ada",
                "subscription": vm.pk,
                "price": 450,
                "period": 600,
                "invoices": 2,
                "amount": 900,
                "credit": 100,
                "dry_from": "2030-01-01 00:30:00+00:00",
                "lacks": 350,
            }
        ],
        "set_aside": [],
    }


@pytest.mark.once
def test_csv_has_a_row_for_each_subscription(db, capsys):
    call_command("simulate", "--customers", "3", "--seed", "5", "--days", "1", "--csv")
    out = capsys.readouterr().out
    forecast = machine.of_invented(customers=3, seed=5, days=1, progress=quiet)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert tuple(rows[0]) == Line._fields
    assert [row["invoices"] for row in rows] == [str(line.invoices) for line in forecast.lines]
    assert [row["dry_from"] for row in rows] == [line.dry_from or "" for line in forecast.lines]


def test_people_get_tables(ada, fake_clock, capsys):
    vm = subscribe(ada)
    call_command("simulate", "--copy", "--days", "1")
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown == [
        ["From", "2030-01-01", "00:00:00", "to", "2030-01-02", "00:00:00", "UTC,", "1", "subscription:"],
        [],
        ["date", "invoices", "amount"],
        ["2030-01-01", "2", "900"],
        ["total", "2", "900"],
        [],
        ["dry", "from", "subscription", "price", "credit", "lacks", "customer"],
        ["2030-01-01", "00:30:00", str(vm.pk), "450", "100", "350", "ada"],
    ]


def test_nobody_there_is_a_forecast_too(db, capsys):
    call_command("simulate", "--copy")
    assert "Nothing runs dry." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--days", "0"], "argument --days: it takes a whole number from 1 to 3650"),
        (["--days", "-1"], "argument --days: it takes a whole number from 1 to 3650"),
        (["--days", "1.5"], "argument --days: it takes a whole number from 1 to 3650"),
        (["--days", "month"], "argument --days: it takes a whole number from 1 to 3650"),
        (["--days", "٣"], "argument --days: it takes a whole number from 1 to 3650"),
        (["--days", "3651"], "argument --days: it takes a whole number from 1 to 3650"),
        (["--days", "9" * 5000], "argument --days: it takes a whole number from 1 to 3650"),
        (["--customers", "0"], "argument --customers: it takes a whole number from 1 to 100000"),
        (["--seed", "x"], "argument --seed: it takes a whole number from 0 to 9223372036854775807"),
        (["--copy", "--customers", "3"], "argument --customers: not allowed with argument --copy"),
        (["--copy", "--seed", "3"], "--seed goes with --customers: a copy has nothing random."),
        (["--json", "--csv"], "argument --csv: not allowed with argument --json"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_arguments_that_make_no_sense_are_refused_with_2_and_a_line(arguments, said, capsys):
    with pytest.raises(SystemExit) as over:
        Command().run_from_argv(["manage.py", "simulate", *arguments])
    assert over.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"rror: {said}")


@pytest.mark.once
def test_a_terminal_sees_a_bar_and_a_pipe_none(db):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stderr, last in ((Terminal(), f"[{'#' * 60}] 100%\n"), (io.StringIO(), "")):
        call_command("simulate", "--customers", "1", "--days", "1", stdout=io.StringIO(), stderr=stderr)
        assert stderr.getvalue().split("\r")[-1] == last
