"""What does not follow from the rest of the books is named, and keeps a repair from touching anything."""

import pytest
from django.db import connection, transaction

from customer import accounts
from customer.errors import AccountBroken
from customer.models import Account, Customer
from invoice import repair
from invoice.checks import report
from invoice.tests.test_repair import DERIVED, FOLLOWED, NOBODYS, PLACE, contents, faults, plant, repaired, said
from invoice.tests.test_set_aside import UNREADABLE
from subscription import subscriptions
from tests import test_damage
from tests.test_damage import DAMAGES, JOB, UNGUARDED, VM_JOB, execute, guards_down, t

books = test_damage.books

NAMED = DAMAGES.keys() - DERIVED.keys() - FOLLOWED.keys() - NOBODYS


def refused(books):
    """What keeps the account from being repaired, each with what to do; and not a row is touched."""
    accounts.set_aside(customer_id=books["ada"], error="a test")
    before = contents()
    found = repair.preview(customer_id=books["ada"])
    with pytest.raises(repair.Unrepaired) as refusal:
        repair.repair(customer_id=books["ada"], by=None)
    assert refusal.value.found == found
    assert contents() == before
    assert found.lines()[0] == "Nothing is repaired before this is mended by hand:"
    for fault in found.remains:
        assert any(word in fault.message for word in ("estore", "backup", "Set it so", "Correct")), fault.message
    return found


@pytest.mark.parametrize("damage", sorted(NAMED))
def test_what_does_not_follow_is_named_and_nothing_is_touched(damage, books):
    statements, codes, line = DAMAGES[damage]
    with transaction.atomic():
        plant(statements, books)
        found = refused(books)
        execute(f"{JOB} {t(3000)} {VM_JOB}".format(**books))  # which alone would be put right
        refused(books)
        transaction.set_rollback(True)
    assert {fault.code for fault in found.remains} <= codes
    assert said(line, books) in "\n".join(found.lines())


@pytest.mark.parametrize("damage", UNGUARDED)
def test_what_a_constraint_would_have_refused_is_named_but_for_the_credit(damage, books):
    guard, statement, codes, _ = UNGUARDED[damage]
    with transaction.atomic():
        with guards_down(*guard):
            execute(statement.format(**books))
        if damage == "a credit below 0":
            repair.repair(customer_id=books["ada"], by=None)
            assert Account.objects.get(pk=books["ada"]).credit == 7520
        else:
            assert {fault.code for fault in refused(books).remains} <= codes
        transaction.set_rollback(True)


@pytest.mark.parametrize("statement", UNREADABLE[connection.vendor])
def test_what_cannot_be_read_is_named_but_for_where_a_job_stands(statement, books):
    with transaction.atomic():
        execute(statement.format(customer=books["ada"], subscription=books["vm"]))
        if statement.startswith("UPDATE django_apscheduler_djangojob"):
            assert f"to {PLACE}." in repaired(books)[0]
        else:
            assert {fault.code for fault in refused(books).remains} >= {"value_unreadable"}
        transaction.set_rollback(True)


def test_instants_that_other_jobs_have_left_behind_are_named(books, fake_clock, run_pass):
    """A job was paused by hand, and nobody noticed while another was billed: whether it ran cannot be told."""
    subscriptions.set_active(customer_id=books["ada"], subscription_id=books["disk"], isactive=True, by=None)
    execute(f"{JOB} NULL {VM_JOB}".format(**books))
    fake_clock.at(6100)
    run_pass()
    assert {fault.code for fault in refused(books).remains} == {"invoice_missing"}

    # What the documents say of one who lets them go.
    execute(
        "INSERT INTO subscription_pause"
        " (subscription_id, withheld_from, paused_at, paused_because, paused_on, resumed_on)"
        f" VALUES ({books['vm']}, {t(5400)}, {t(5400)}, 'deactivated', 'deactivation', '')"
    )
    repair.repair(customer_id=books["ada"], by=None)
    assert faults() == []


def test_an_invoice_in_a_pause_is_named_also_where_the_rule_wants_the_job_to_run(books):
    execute(
        f"UPDATE subscription_subscription SET isactive = TRUE WHERE id = {books['disk']}",
        f"UPDATE subscription_pause SET withheld_from = {t(1200)} WHERE subscription_id = {books['disk']}",
    )
    assert {fault.code for fault in refused(books).remains} == {"invoice_in_pause"}


def test_the_time_is_no_witness_where_a_job_contradicts_it_too(books):
    execute(
        f"UPDATE customer_account SET settled_until = {t(100)} WHERE customer_id = {books['ada']}",
        f"{JOB} {t(6000)} {VM_JOB}".format(**books),
    )
    assert {fault.code for fault in refused(books).remains} == {"invoice_too_late"}


def test_what_lies_beyond_the_end_of_time_is_refused_and_no_crash(books, settings):
    settings.INVOICE_PERIOD = 31_536_000
    subscriptions.create(customer=Customer.objects.get(pk=books["ada"]), name="yearly", price=5, isactive=True, by=None)
    execute(
        f"UPDATE customer_account SET settled_until = '9999-12-31 00:00:00' WHERE customer_id = {books['ada']}",
        f"{JOB} {t(6000)} {VM_JOB}".format(**books),
    )
    assert {fault.code for fault in refused(books).remains} == {"invoice_missing", "not_derivable"}


def test_an_open_pause_that_begins_after_where_its_job_stands_is_named(books):
    execute(
        "INSERT INTO subscription_pause"
        " (subscription_id, withheld_from, paused_at, paused_because, paused_on, resumed_on)"
        f" VALUES ({books['vm']}, {t(6000)}, {t(5000)}, 'deactivated', 'deactivation', '')"
    )
    (fault,) = refused(books).remains
    assert "stands in its place at 2030-01-01 01:30:00, but a pause that is open begins at" in fault.message


def test_what_cannot_be_written_is_named_and_undone(books, monkeypatch):
    plant(DAMAGES["a job was moved back"][0], books)
    before = contents()
    written = []

    def write(found, by):
        written.append(Account.objects.filter(pk=books["ada"]).update(invoice_count=1))
        Account.objects.filter(pk=books["ada"]).update(credit=-1)

    monkeypatch.setattr(repair, "_write", write)
    with pytest.raises(repair.Unrepaired, match="what would be right cannot be written: .*account_credit_not_negative"):
        repair.repair(customer_id=books["ada"], by=None)
    assert written == [1]
    assert contents() == before


def test_a_repair_that_does_not_prove_itself_is_undone(books, monkeypatch):
    plant(DAMAGES["a job was moved back"][0], books)
    before = contents()
    monkeypatch.setattr(report, "of_account", lambda account: faults()[:1] or ["a fault"])
    with pytest.raises(repair.Unrepaired):
        repair.repair(customer_id=books["ada"], by=None)
    assert contents() == before


def test_an_account_that_the_door_does_not_open_stays_set_aside(books, monkeypatch):
    accounts.set_aside(customer_id=books["ada"], error="a test")
    monkeypatch.setattr("invoice.plan.running_jobs", broken)
    before = contents()
    with pytest.raises(repair.Unrepaired, match="not to be billed"):
        repair.repair(customer_id=books["ada"], by=None)
    assert contents() == before


def broken(account):
    raise AccountBroken(account.customer_id, "not to be billed")
