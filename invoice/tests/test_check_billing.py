"""check_billing on sound books: clean after any history, late is no fault, nothing written, nobody blocked."""

import json
import os
import subprocess
import sys
import threading

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import Error, connection, transaction

from customer import accounts, clock
from customer.models import Account, LedgerEntry
from invoice import billing
from invoice.checks import report
from invoice.checks.database import snapshot
from invoice.models import Checked, Invoice
from subscription import subscriptions
from subscription.models import Pause


def check(capsys, *options):
    """The exit code of the command, and what it printed."""
    capsys.readouterr()
    try:
        call_command("check_billing", *options)
        code = 0
    except SystemExit as over:
        code = over.code
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, printed.out


def contents():
    """Every row of the database."""
    return {model: list(model.objects.order_by("pk").values()) for model in apps.get_models()}


@pytest.fixture
def history(make_customer, fake_clock, run_pass):
    """Two customers with all that can happen: 10-minute periods, with events on, before and after instants."""
    ada, bob = make_customer("ada", credit=2_000), make_customer("bob")
    vm = subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)
    fake_clock.at(90.25)
    disk = subscriptions.create(customer=ada, name="disk", price=100, isactive=True, by=ada)
    subscriptions.create(customer=ada, name="off", price=5, isactive=False, by=ada)
    poor = subscriptions.create(customer=bob, name="VM", price=300, isactive=True, by=bob)
    fake_clock.at(1300)
    run_pass()
    subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=470, by=None)
    fake_clock.at(1800)
    subscriptions.set_active(customer_id=ada.pk, subscription_id=disk.pk, isactive=False, by=ada)
    subscriptions.set_active(customer_id=ada.pk, subscription_id=disk.pk, isactive=True, by=ada)
    fake_clock.at(2000)
    subscriptions.set_active(customer_id=ada.pk, subscription_id=disk.pk, isactive=False, by=ada)
    accounts.top_up(customer_id=bob.pk, amount=1_000, by=bob)
    fake_clock.at(9000)  # ada's VM runs out of credit in between
    run_pass()
    run_pass()
    accounts.top_up(customer_id=ada.pk, amount=5_000, by=ada)
    subscriptions.set_active(customer_id=ada.pk, subscription_id=disk.pk, isactive=True, by=ada)
    subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=200, by=None)
    subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=210, by=None)
    accounts.adjust(customer_id=ada.pk, amount=-50, by=None, reason="goodwill, taken back")
    fake_clock.at(10_800)
    run_pass()
    assert poor.pauses.count() > 1
    return {"ada": ada, "bob": bob, "vm": vm, "disk": disk, "poor": poor}


def test_a_sound_history_is_clean(history, capsys):
    code, out = check(capsys)
    invoices = Invoice.objects.count()
    assert invoices > 10
    assert out == f"2 accounts, 4 subscriptions, {invoices} invoices: all is well\nBacklog: none.\n"
    assert code == 0


def test_an_empty_database_is_clean(db, capsys):
    assert check(capsys) == (0, "0 accounts, 0 subscriptions, 0 invoices: all is well\nBacklog: none.\n")


def test_json_is_one_object(history, fake_clock, capsys):
    code, out = check(capsys, "--json")
    assert code == 0
    assert json.loads(out) == {
        "ok": True,
        "at": fake_clock.now().isoformat(),
        "checked": {
            "accounts": 2,
            "subscriptions": 4,
            "invoices": Invoice.objects.count(),
            "jobs": 4,
            "pauses": Pause.objects.count(),
            "ledger_entries": LedgerEntry.objects.count(),
        },
        "faults": [],
        "backlog": {"instants": 0, "oldest": None},
    }


def test_what_is_due_and_not_billed_is_backlog_and_no_fault(history, fake_clock, capsys):
    fake_clock.at(10_800 + 1200)  # two instants of ada's VM and two of her disk
    code, out = check(capsys)
    assert code == 0
    assert "all is well" in out
    assert (
        "Backlog: 4 instants due by 2030-01-01 03:20:00 and not billed yet, the oldest 2030-01-01 03:01:30. "
        "A scheduler that runs bills them."
    ) in out
    _, out = check(capsys, "--json")
    assert json.loads(out)["backlog"] == {"instants": 4, "oldest": "2030-01-01T03:01:30+00:00"}


def test_a_slice_of_a_late_settlement_is_clean(history, fake_clock, monkeypatch, capsys):
    monkeypatch.setattr(billing, "MOST", 3)
    fake_clock.at(10_800 + 6000)
    billing.run_pass()
    code, out = check(capsys, "--json")
    assert code == 0
    assert json.loads(out)["backlog"]["instants"] > 0


def test_every_pass_leaves_books_that_are_clean(history, fake_clock, run_pass, capsys):
    for seconds in range(10_800, 20_000, 457):
        fake_clock.at(seconds)
        assert check(capsys)[0] == 0
        run_pass()
        assert check(capsys)[0] == 0


def test_it_writes_nothing(history, fake_clock, capsys):
    fake_clock.advance(6000)
    before = contents()
    check(capsys)
    assert contents() == before


@pytest.mark.django_db(transaction=True)
def test_the_snapshot_refuses_a_write_and_ends(make_customer):
    ada = make_customer(credit=5)
    with pytest.raises(Error), snapshot():  # noqa: PT012
        assert Account.objects.get().credit == 5
        Account.objects.update(credit=6)
    assert not connection.in_atomic_block
    accounts.top_up(customer_id=ada.pk, amount=1, by=None)
    assert Account.objects.get().credit == 6


@pytest.mark.django_db(transaction=True)
def test_billing_goes_on_beside_the_snapshot_which_does_not_see_it(make_customer, fake_clock, capsys):
    ada = make_customer(credit=1000)
    vm = subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)
    fake_clock.at(700)

    def elsewhere():
        try:
            billing.run_pass()
            accounts.top_up(customer_id=ada.pk, amount=7, by=None)
        finally:
            connection.close()

    with snapshot():
        before = contents()
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join(20)
        assert not other.is_alive(), "the snapshot blocks billing"
        assert contents() == before
    assert Account.objects.get().credit == 557
    assert vm.invoices.count() == 1
    assert check(capsys)[0] == 0


@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_of_another_does_not_hold_it_up(make_customer, capsys):
    ada = make_customer(credit=1000)
    locked, release = threading.Event(), threading.Event()

    def elsewhere():
        try:
            with accounts.door(ada.pk, event=accounts.Event.TOP_UP):
                locked.set()
                release.wait(20)
        finally:
            connection.close()

    other = threading.Thread(target=elsewhere)
    other.start()
    assert locked.wait(20)
    try:
        assert check(capsys)[0] == 0
        assert other.is_alive()
    finally:
        release.set()
        other.join(20)


def test_inside_an_open_transaction_it_reads_that(make_customer, capsys):
    with transaction.atomic():
        make_customer()
        assert "1 account," in check(capsys)[1]


def test_the_clock_is_read_within_the_snapshot(make_customer, monkeypatch, capsys):
    make_customer()
    now = clock.now()
    inside = []
    monkeypatch.setattr(clock, "now", lambda: inside.append(connection.in_atomic_block) or now)
    check(capsys)
    assert inside == [True]


@pytest.mark.parametrize("url", ["sqlite:///{folder}/empty.db", "postgres://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_read_is_one_line_and_exit_2(url, tmp_path):
    environment = {**os.environ, "DATABASE_URL": url.format(folder=tmp_path)}
    command = [sys.executable, "manage.py", "check_billing", "--json"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    assert line.startswith("The database cannot be checked: ")


def test_a_check_is_kept_where_that_is_asked_for(history, capsys):
    check(capsys)
    assert not Checked.objects.exists()
    assert check(capsys, "--record")[0] == 0
    kept = Checked.objects.get()
    assert (kept.faults, kept.lines) == (0, [])

    Account.objects.update(credit=5)
    code, printed = check(capsys, "--record")
    assert code == 1
    worse = Checked.objects.latest("id")
    assert worse.faults == len(worse.lines) > 0
    assert worse.lines == printed.splitlines()[1:-1]
    assert worse.at >= kept.at


def test_only_the_latest_checks_are_kept(db, capsys, monkeypatch):
    monkeypatch.setattr(report, "KEPT", 2)
    for _ in range(3):
        check(capsys, "--record")
    assert list(Checked.objects.order_by("id").values_list("id", flat=True)) == [
        Checked.objects.earliest("id").pk,
        Checked.objects.latest("id").pk,
    ]
