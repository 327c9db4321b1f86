"""check_billing finds what somebody has broken by hand: each damage, its codes, and the line that names the place.

Times are seconds after EPOCH. The books, with a period of 600: ada's VM was billed at 600 and 1200, switched off from
1800 to 3600, billed at 3600, made dearer at that very instant, billed at 4200 and 4800, and comes next at 5400. Her
disk was billed at 600 and 1200 and is switched off since. Bob's VM, like hers, goes on.
"""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from customer import accounts
from invoice.checks import invoices
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import EPOCH

BOOKS = {"credit_wrong", "invoice_count_wrong", "invoice_total_wrong"}
INVOICE = "INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time) VALUES"
PAUSE = (
    "INSERT INTO subscription_pause (subscription_id, withheld_from, paused_at, paused_because, paused_on,"
    " restored_from, resumed_at, resumed_on) VALUES"
)
JOB = "UPDATE django_apscheduler_djangojob SET next_run_time ="
VM_JOB = "WHERE id = '{vm}'"
LEDGER = "INSERT INTO customer_ledgerentry (account_id, kind, amount, at, reason) VALUES"


def t(seconds):
    """An instant in SQL, as both databases take it and as SQLite has it from Django."""
    return f"'{(EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)}'"


@pytest.fixture
def books(make_customer, fake_clock, run_pass):
    ada, bob = make_customer("ada", credit=10_000), make_customer("bob", credit=5_000)
    vm = subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)
    disk = subscriptions.create(customer=ada, name="disk", price=100, isactive=True, by=ada)
    subscriptions.create(customer=bob, name="VM", price=450, isactive=True, by=bob)
    fake_clock.at(1300)
    for subscription in (vm, disk):
        subscriptions.set_active(customer_id=ada.pk, subscription_id=subscription.pk, isactive=False, by=ada)
    fake_clock.at(3100)
    subscriptions.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=True, by=ada)
    fake_clock.at(3600)
    subscriptions.change_price(customer_id=ada.pk, subscription_id=vm.pk, price=500, by=None)
    fake_clock.at(4900)
    accounts.top_up(customer_id=ada.pk, amount=70, by=ada)
    run_pass()
    return {"ada": ada.pk, "bob": bob.pk, "vm": vm.pk, "disk": disk.pk}


def execute(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def guards_down(table, constraint):
    """For as long as it lasts, the database takes rows that `constraint` of `table` refuses."""
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE", f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        yield
    else:
        execute("PRAGMA ignore_check_constraints = ON")
        try:
            yield
        finally:
            execute("PRAGMA ignore_check_constraints = OFF")


def check(capsys):
    """What the command finds: its faults as JSON, and its lines."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as over:
        call_command("check_billing", "--json")
    assert over.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    with pytest.raises(SystemExit):
        call_command("check_billing")
    summary, *lines = capsys.readouterr().out.splitlines()
    number = len(report["faults"])
    assert summary.endswith(f": {number} fault{'s' if number > 1 else ''}")
    assert len(lines) == number + 1
    return report["faults"], lines


def find(capsys, damage, books, guard=None):
    """Plants the damage, and undoes it once the command has seen it: its faults and lines."""
    statements = [statement.format(**books) for statement in ([damage] if isinstance(damage, str) else damage)]
    with transaction.atomic():
        if guard:
            with guards_down(*guard):
                execute(*statements)
        else:
            execute(*statements)
        found = check(capsys)
        everyone = Subscription.objects.order_by("pk").values_list("pk", flat=True)
        one_by_one = [fault for each in everyone for fault in invoices.examine(each)]
        assert list(invoices.coverage()) == one_by_one, "the SQL that passes over sound subscriptions passed over these"
        transaction.set_rollback(True)
    return found


def named(text, books):
    return text.format(**books)


DAMAGES = {
    # --- invoices ---
    "the first invoice is gone": (
        f"DELETE FROM invoice_invoice WHERE subscription_id = {{vm}} AND start_time = {t(600)}",
        {"invoice_missing", *BOOKS},
        "account {ada}, subscription {vm}: 1 instant before 2030-01-01 01:30:00, where billing has arrived, without an"
        " invoice or a pause: 2030-01-01 00:10:00.",
    ),
    "one in the middle is gone": (
        f"DELETE FROM invoice_invoice WHERE subscription_id = {{vm}} AND start_time = {t(3600)}",
        {"invoice_missing", *BOOKS},
        "subscription {vm}: 1 instant before 2030-01-01 01:30:00, where billing has arrived, without an invoice or a"
        " pause: 2030-01-01 01:00:00.",
    ),
    "the last one is gone": (
        f"DELETE FROM invoice_invoice WHERE subscription_id = {{vm}} AND start_time = {t(4800)}",
        {"invoice_missing", *BOOKS},
        "or a pause: 2030-01-01 01:20:00.",
    ),
    "the last one before a pause that is open is gone": (
        f"DELETE FROM invoice_invoice WHERE subscription_id = {{disk}} AND start_time = {t(1200)}",
        {"invoice_missing", *BOOKS},
        "subscription {disk}: 1 instant before 2030-01-01 00:30:00, where billing has arrived,",
    ),
    "all are gone": (
        "DELETE FROM invoice_invoice WHERE subscription_id = {vm}",
        {"invoice_missing", *BOOKS},
        "subscription {vm}: 5 instants before 2030-01-01 01:30:00, where billing has arrived, without an invoice or a"
        " pause: 2030-01-01 00:10:00, 2030-01-01 00:20:00, 2030-01-01 01:00:00 and 2 more.",
    ),
    "an invoice lies off the grid": (
        f"{INVOICE} ({{ada}}, {{vm}}, 450, {t(700)}, {t(1300)})",
        {"invoice_off_grid", *BOOKS},
        "subscription {vm}: invoice ",
    ),
    "an invoice was moved off the grid by less than a second": (
        f"UPDATE invoice_invoice SET start_time = {t(600.5)} WHERE subscription_id = {{vm}} AND start_time = {t(600)}",
        {"invoice_off_grid", "invoice_missing"},
        "at 2030-01-01 00:10:00.5",
    ),
    "an invoice lies at the anchor": (
        f"{INVOICE} ({{ada}}, {{vm}}, 450, {t(0)}, {t(600)})",
        {"invoice_off_grid", *BOOKS},
        "subscription {vm}: invoice ",
    ),
    "an invoice was moved to the anchor": (
        f"UPDATE invoice_invoice SET start_time = {t(0)}, end_time = {t(600)}"
        f" WHERE subscription_id = {{vm}} AND start_time = {t(600)}",
        {"invoice_off_grid", "invoice_missing"},
        "without an invoice or a pause: 2030-01-01 00:10:00.",
    ),
    "an invoice lies in a pause": (
        f"{INVOICE} ({{ada}}, {{vm}}, 450, {t(2400)}, {t(3000)})",
        {"invoice_in_pause", *BOOKS},
        "subscription {vm}: 1 invoice at instants that were withheld: 2030-01-01 00:40:00.",
    ),
    "one is gone and another lies in a pause": (
        f"UPDATE invoice_invoice SET start_time = {t(1800)}, end_time = {t(2400)}"
        f" WHERE subscription_id = {{vm}} AND start_time = {t(1200)}",
        {"invoice_in_pause", "invoice_missing"},
        "subscription {vm}: 1 invoice at instants that were withheld: 2030-01-01 00:30:00.",
    ),
    "an invoice lies in a pause that is open": (
        f"{INVOICE} ({{ada}}, {{disk}}, 100, {t(1800)}, {t(2400)})",
        {"invoice_in_pause", *BOOKS},
        "subscription {disk}: 1 invoice at instants that were withheld: 2030-01-01 00:30:00.",
    ),
    "an invoice lies at the next run": (
        f"{INVOICE} ({{ada}}, {{vm}}, 500, {t(5400)}, {t(6000)})",
        {"invoice_too_late", *BOOKS},
        "subscription {vm}: 1 invoice at or after 2030-01-01 01:30:00, where billing has arrived: 2030-01-01 01:30:00.",
    ),
    "one is gone and another lies after the next run": (
        f"UPDATE invoice_invoice SET start_time = {t(9000)}, end_time = {t(9600)}"
        f" WHERE subscription_id = {{vm}} AND start_time = {t(4200)}",
        {"invoice_too_late", "invoice_missing"},
        "subscription {vm}: 1 invoice at or after",
    ),
    "an amount is wrong": (
        f"UPDATE invoice_invoice SET amount = 451 WHERE subscription_id = {{vm}} AND start_time = {t(600)}",
        {"amount_wrong", "credit_wrong", "invoice_total_wrong"},
        "at 2030-01-01 00:10:00",
    ),
    "an amount is the later price": (
        f"UPDATE invoice_invoice SET amount = 500 WHERE subscription_id = {{vm}} AND start_time = {t(3600)}",
        {"amount_wrong", "credit_wrong", "invoice_total_wrong"},
        "takes 500 where the price was 450.",
    ),
    "an amount is the earlier price": (
        f"UPDATE invoice_invoice SET amount = 450 WHERE subscription_id = {{vm}} AND start_time = {t(4200)}",
        {"amount_wrong", "credit_wrong", "invoice_total_wrong"},
        "takes 450 where the price was 500.",
    ),
    "an end is wrong": (
        f"UPDATE invoice_invoice SET end_time = {t(1201)} WHERE subscription_id = {{vm}} AND start_time = {t(600)}",
        {"end_time_wrong"},
        "not 2030-01-01 00:20:00.",
    ),
    "two invoices belong to somebody else": (
        "UPDATE invoice_invoice SET customer_id = {bob} WHERE subscription_id = {disk}",
        {"customer_wrong", *BOOKS},
        "is customer {bob}'s, not {ada}'s. Restore the row from a backup. So are 1 more.",
    ),
    # --- jobs ---
    "a job was moved back": (
        f"{JOB} {t(4800)} {VM_JOB}",
        {"job_misplaced", "invoice_too_late"},
        "account {ada}, subscription {vm}: its job stands at 2030-01-01 01:20:00",
    ),
    "a job was moved back before its grid": (
        f"{JOB} {t(-60000)} {VM_JOB}",
        {"job_misplaced", "invoice_too_late"},
        "subscription {vm}: 5 invoices at or after 2029-12-31 07:20:00",
    ),
    "a job was moved forward": (
        f"{JOB} {t(6000)} {VM_JOB}",
        {"job_misplaced", "invoice_missing"},
        "but must at 2030-01-01 01:30:00, the first instant of its grid after its account's settled_until.",
    ),
    "a job was moved to the end of time": (
        f"{JOB} '9999-12-31 23:50:00' {VM_JOB}",
        {"job_misplaced", "invoice_missing"},
        "2030-01-01 01:30:00, 2030-01-01 01:40:00, 2030-01-01 01:50:00 and 419,181,395 more.",
    ),
    "a job was moved off its grid": (
        f"{JOB} {t(5399)} {VM_JOB}",
        {"job_misplaced"},
        "subscription {vm}: its job stands at 2030-01-01 01:29:59",
    ),
    "a job was moved by less than a second": (
        f"{JOB} {t(5400.25)} {VM_JOB}",
        {"job_misplaced"},
        "subscription {vm}: its job stands at 2030-01-01 01:30:00.25",
    ),
    "an account's time was moved": (
        f"UPDATE customer_account SET settled_until = {t(5400)} WHERE customer_id = {{ada}}",
        {"job_misplaced"},
        "but must at 2030-01-01 01:40:00",
    ),
    "a job is gone": (
        f"DELETE FROM django_apscheduler_djangojob {VM_JOB}",
        {"job_missing"},
        "account {ada}, subscription {vm}: it has no job",
    ),
    "a job is gone, and an invoice in the middle": (
        (
            f"DELETE FROM django_apscheduler_djangojob {VM_JOB}",
            f"DELETE FROM invoice_invoice WHERE subscription_id = {{vm}} AND start_time = {t(1200)}",
        ),
        {"job_missing", "invoice_missing", *BOOKS},
        "without an invoice or a pause: 2030-01-01 00:20:00.",
    ),
    "a job is nobody's": (
        f"INSERT INTO django_apscheduler_djangojob VALUES ('987654321', {t(6000)}, '')",
        {"job_orphan"},
        "job '987654321': no subscription has this id; the job stands at 2030-01-01 01:40:00",
    ),
    "jobs' ids are no numbers": (
        "INSERT INTO django_apscheduler_djangojob VALUES ('{vm}abc', NULL, ''), ('0{vm}', NULL, ''), ('', NULL, '')",
        {"job_orphan"},
        "job '{vm}abc': no subscription has this id; the job is paused",
    ),
    "a job is paused that must run": (
        f"{JOB} NULL {VM_JOB}",
        {"job_paused", "pause_missing"},
        "subscription {vm}: its job is paused, but must run: it is active, and the credit 7520 covers its price 500."
        " Set its next_run_time to 2030-01-01 01:30:00",
    ),
    "a job runs that is switched off": (
        "UPDATE subscription_subscription SET isactive = FALSE WHERE id = {vm}",
        {"job_runs"},
        "subscription {vm}: its job runs, at 2030-01-01 01:30:00",
    ),
    "a job is paused that is switched on": (
        "UPDATE subscription_subscription SET isactive = TRUE WHERE id = {disk}",
        {"job_paused"},
        "subscription {disk}: its job is paused, but must run",
    ),
    "a job runs that the credit does not cover": (
        "UPDATE customer_account SET credit = 499 WHERE customer_id = {ada}",
        {"job_runs", "credit_wrong"},
        "but must be paused: the credit 499 does not cover its price 500.",
    ),
    # --- pauses ---
    "an open pause is gone": (
        "DELETE FROM subscription_pause WHERE subscription_id = {disk}",
        {"pause_missing"},
        "subscription {disk}: its job is paused, but no open pause says since when and why.",
    ),
    "a pause is gone": (
        "DELETE FROM subscription_pause WHERE subscription_id = {vm}",
        {"invoice_missing"},
        "a pause: 2030-01-01 00:30:00, 2030-01-01 00:40:00, 2030-01-01 00:50:00.",
    ),
    "a running job has an open pause": (
        f"{PAUSE} ({{vm}}, {t(5400)}, {t(4900)}, 'deactivated', 'deactivation', NULL, NULL, '')",
        {"pause_left_open"},
        "subscription {vm}: its job runs, but 1 pause of it did not end.",
    ),
    "pauses overlap": (
        f"{PAUSE} ({{vm}}, {t(2400)}, {t(2000)}, 'deactivated', 'deactivation', {t(4200)}, {t(4000)}, 'activation')",
        {"pause_overlaps", "invoice_in_pause"},
        "from 2030-01-01 00:40:00",
    ),
    "a pause lies within another": (
        f"{PAUSE} ({{vm}}, {t(2400)}, {t(2000)}, 'deactivated', 'deactivation', {t(3000)}, {t(2900)}, 'activation')",
        {"pause_overlaps"},
        "begins before pause ",
    ),
    "a pause begins before the grid": (
        f"UPDATE subscription_pause SET withheld_from = {t(0)} WHERE subscription_id = {{disk}}",
        {"pause_off_grid", "invoice_in_pause"},
        "does not begin and end at instants of the grid",
    ),
    "a pause ends off the grid": (
        f"UPDATE subscription_pause SET restored_from = {t(3500)} WHERE subscription_id = {{vm}}",
        {"pause_off_grid"},
        "subscription {vm}: pause ",
    ),
    "an open pause was moved forward": (
        f"UPDATE subscription_pause SET withheld_from = {t(2400)} WHERE subscription_id = {{disk}}",
        {"invoice_missing"},
        "subscription {disk}: 1 instant before 2030-01-01 00:40:00",
    ),
    # --- prices and terms ---
    "a price was edited": (
        "UPDATE subscription_subscription SET price = 99 WHERE id = {disk}",
        {"amount_wrong"},
        "takes 100 where the price was 99. Restore the row from a backup. So are 1 more.",
    ),
    "a price was edited after a change": (
        "UPDATE subscription_subscription SET price = 501 WHERE id = {vm}",
        {"price_history_broken", "amount_wrong"},
        "made the price 500, but after it the price is 501.",
    ),
    "a price change is gone": (
        "DELETE FROM subscription_pricechange WHERE subscription_id = {vm}",
        {"amount_wrong"},
        "takes 450 where the price was 500. Restore the row from a backup. So are 2 more.",
    ),
    "a price change was moved before an invoice": (
        f"UPDATE subscription_pricechange SET at = {t(3599.9)} WHERE subscription_id = {{vm}}",
        {"amount_wrong"},
        "takes 450 where the price was 500.",
    ),
    "a grid was moved": (
        f"UPDATE subscription_subscription SET created_at = {t(1)} WHERE id = {{disk}}",
        {"invoice_off_grid", "invoice_missing", "pause_off_grid"},
        "subscription {disk}: 2 instants before",
    ),
    "a period was edited": (
        "UPDATE subscription_subscription SET period = 1200 WHERE id = {disk}",
        {"invoice_off_grid", "end_time_wrong", "pause_off_grid"},
        "subscription {disk}: invoice ",
    ),
    "a subscription is gone": (
        "DELETE FROM subscription_subscription WHERE id = {disk}",
        {"reference_broken", "job_orphan"},
        "2 rows of invoice_invoice, the first with id ",
    ),
    # --- books ---
    "a credit is one too high": (
        "UPDATE customer_account SET credit = credit + 1 WHERE customer_id = {ada}",
        {"credit_wrong"},
        "account {ada}: the credit is 7521, but the ledger's 10070 less the invoices' 2550 is 7520.",
    ),
    "a credit is one too low": (
        "UPDATE customer_account SET credit = credit - 1 WHERE customer_id = {ada}",
        {"credit_wrong"},
        "account {ada}: the credit is 7519",
    ),
    "a ledger entry is gone": (
        "DELETE FROM customer_ledgerentry WHERE account_id = {ada} AND kind = 'top_up'",
        {"credit_wrong", "deposited_wrong"},
        "account {ada}: deposited is 10070, but its positive ledger entries come to 10000.",
    ),
    "an adjustment came in beside the door": (
        f"{LEDGER} ({{ada}}, 'adjustment', -7, {t(4900)}, '')",
        {"credit_wrong"},
        "account {ada}: the credit is 7520, but the ledger's 10063",
    ),
    "the sums are beyond 64 bits": (
        f"{LEDGER} ({{ada}}, 'top_up', 9223372036854775807, {t(0)}, ''),"
        f" ({{ada}}, 'top_up', 9223372036854775807, {t(0)}, ''), ({{ada}}, 'adjustment', -1, {t(0)}, '')",
        {"credit_wrong", "deposited_wrong", "entry_astray"},
        "but its positive ledger entries come to 18446744073709561684.",
    ),
    "two equal entries have changed places": (
        "UPDATE customer_ledgerentry SET account_id = CASE WHEN account_id = {ada} THEN {bob} ELSE {ada} END"
        " WHERE kind = 'registration'",
        {"entry_astray", *BOOKS} - {"invoice_count_wrong", "invoice_total_wrong"} | {"deposited_wrong"},
        "(registration), at 2030-01-01 00:00:00",
    ),
    "deposited is wrong": (
        "UPDATE customer_account SET deposited = deposited - 1 WHERE customer_id = {ada}",
        {"deposited_wrong"},
        "account {ada}: deposited is 10069",
    ),
    "the count of invoices is wrong": (
        "UPDATE customer_account SET invoice_count = 8 WHERE customer_id = {ada}",
        {"invoice_count_wrong"},
        "account {ada}: invoice_count is 8, but its invoices number 7.",
    ),
    "the sum of invoices is wrong": (
        "UPDATE customer_account SET invoice_total = 0 WHERE customer_id = {ada}",
        {"invoice_total_wrong"},
        "account {ada}: invoice_total is 0, but its invoices come to 2550.",
    ),
    "an account is gone": (
        "DELETE FROM customer_account WHERE customer_id = {ada}",
        {"account_missing", "reference_broken"},
        "account {ada}: the customer has no account",
    ),
    "an account is set aside": (
        f"INSERT INTO customer_setaside VALUES ({{ada}}, 'its rows contradict\neach other', {t(4900)})",
        {"account_set_aside"},
        "account {ada}: set aside since 2030-01-01 01:21:40 with 2 subscriptions: neither billed nor changed until it"
        " is repaired and retried. The error: its rows contradict each other [account_set_aside]",
    ),
}


@pytest.mark.parametrize(("damage", "codes", "line"), DAMAGES.values(), ids=DAMAGES)
def test_a_damage_is_found_and_named(damage, codes, line, books, capsys):
    faults, lines = find(capsys, damage, books)
    assert {fault["code"] for fault in faults} == codes
    assert named(line, books) in "\n".join(lines)


UNGUARDED = {
    "a credit below 0": (
        ("customer_account", "account_credit_not_negative"),
        "UPDATE customer_account SET credit = -1 WHERE customer_id = {ada}",
        {"credit_negative", "credit_wrong", "job_runs"},
        "account {ada}: the credit is -1, and must never be below 0.",
    ),
    "a period of 0": (
        ("subscription_subscription", "subscription_period_in_range"),
        "UPDATE subscription_subscription SET period = 0 WHERE id = {vm}",
        {"terms_impossible", "job_misplaced", "pause_off_grid"},
        "subscription {vm}: it costs 500 every 0 seconds",
    ),
    "a price of 0": (
        ("subscription_subscription", "subscription_price_positive"),
        "UPDATE subscription_subscription SET price = 0 WHERE id = {disk}",
        {"terms_impossible", "amount_wrong"},
        "subscription {disk}: it costs 0 every 600 seconds",
    ),
    "a kind that is none": (
        ("customer_ledgerentry", "ledger_entry_sign"),
        "UPDATE customer_ledgerentry SET kind = 'gift' WHERE account_id = {ada} AND kind = 'top_up'",
        {"value_unreadable"},
        "hold in kind what is no such value",
    ),
    "an invoice of 0": (
        ("invoice_invoice", "invoice_amount_positive"),
        f"UPDATE invoice_invoice SET amount = 0 WHERE subscription_id = {{vm}} AND start_time = {t(600)}",
        {"amount_wrong", "credit_wrong", "invoice_total_wrong"},
        "takes 0 where the price was 450.",
    ),
}


@pytest.mark.parametrize(("guard", "damage", "codes", "line"), UNGUARDED.values(), ids=UNGUARDED)
def test_what_a_constraint_would_have_refused_is_found_too(guard, damage, codes, line, books, capsys):
    faults, lines = find(capsys, damage, books, guard)
    assert {fault["code"] for fault in faults} - {"constraint_missing"} == codes
    assert named(line, books) in "\n".join(lines)


def test_a_second_invoice_for_an_instant_is_found(books, postgresql, capsys):
    invoice = f"{INVOICE} ({{ada}}, {{vm}}, 450, {t(600)}, {t(1200)})"
    faults, lines = find(capsys, invoice, books, ("invoice_invoice", "invoice_once_per_instant"))
    assert {fault["code"] for fault in faults} == {"constraint_missing", "invoice_duplicate", *BOOKS}
    assert f"subscription {books['vm']}: 1 invoice at instants that have another: 2030-01-01 00:10:00." in "\n".join(
        lines
    )
    assert "table invoice_invoice has lost its constraint invoice_once_per_instant" in "\n".join(lines)


def test_two_open_pauses_are_found(books, postgresql, capsys):
    damage = (
        "DROP INDEX pause_one_open_per_subscription",
        f"{PAUSE} ({{disk}}, {t(1800)}, {t(1300)}, 'deactivated', 'deactivation', NULL, NULL, '')",
    )
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    faults, _ = find(capsys, damage, books)
    assert {fault["code"] for fault in faults} == {"constraint_missing", "pause_overlaps"}


ODD_TIMES = {
    "sqlite": [
        (f"{JOB} 'rubbish' {VM_JOB}", {"job_misplaced"}, "its job stands at rubbish, but must at 2030-01-01 01:30:00"),
        (f"{JOB} 12 {VM_JOB}", {"job_misplaced", "invoice_too_late"}, "its job stands at 12, but must"),
        (f"{JOB} '2030-01-01 01:30:00+00:00' {VM_JOB}", {"job_misplaced"}, "stands at 2030-01-01 01:30:00+00:00, but"),
        (
            f"{INVOICE} ({{ada}}, {{vm}}, 450, '2030-01-01 00:10:00+00:00', {t(1200)})",
            {"invoice_off_grid", *BOOKS},
            "at 2030-01-01 00:10:00+00:00, is at no instant",
        ),
        (
            "UPDATE customer_account SET settled_until = 'x' WHERE customer_id = {ada}",
            {"job_misplaced"},
            "and where it must cannot be told from its created_at, its period and its account's settled_until.",
        ),
        (
            "UPDATE subscription_subscription SET created_at = 'x' WHERE id = {disk}",
            {"terms_impossible", "pause_off_grid"},
            "since x, which cannot be billed",
        ),
    ],
    "postgresql": [
        (f"{JOB} 'infinity' {VM_JOB}", {"job_misplaced"}, "its job stands at infinity, but must at 2030-01-01"),
        (f"{JOB} '-infinity' {VM_JOB}", {"job_misplaced"}, "its job stands at -infinity, but must at 2030-01-01"),
        (
            f"{JOB} '20000-01-01' {VM_JOB}",
            {"job_misplaced", "invoice_missing"},
            "before 568,971,820,800 seconds after 1970",
        ),
    ],
}


def test_a_time_that_python_cannot_read_is_a_fault_and_no_crash(books, capsys):
    for damage, codes, line in ODD_TIMES[connection.vendor]:
        faults, lines = find(capsys, damage, books)
        assert {fault["code"] for fault in faults} - {"value_unreadable"} == codes
        assert named(line, books) in "\n".join(lines)


def test_a_fault_names_its_rows_for_machines(books, capsys):
    (fault,), _ = find(capsys, DAMAGES["a job is gone"][0], books)
    assert fault == {
        "code": "job_missing",
        "account": books["ada"],
        "subscription": books["vm"],
        "message": "it has no job, so it is never billed. Restore the job.",
    }
    (fault,), _ = find(capsys, DAMAGES["a job is nobody's"][0], books)
    assert (fault["code"], fault["job"]) == ("job_orphan", "987654321")


def test_an_account_that_billing_set_aside_is_found(books, fake_clock, run_pass, capsys):
    execute(f"{JOB} {t(4800)} {VM_JOB}".format(**books))
    run_pass()
    faults, _ = check(capsys)
    assert {fault["code"] for fault in faults} == {"account_set_aside", "job_misplaced", "invoice_too_late"}
    assert {fault["account"] for fault in faults} == {books["ada"]}


UNREADABLE = {
    "postgresql": [
        "UPDATE customer_account SET settled_until = 'infinity' WHERE customer_id = {ada}",
        "UPDATE subscription_subscription SET created_at = '0044-03-15 BC' WHERE id = {vm}",
        "UPDATE django_apscheduler_djangojob SET next_run_time = '0044-03-15 BC' WHERE id = '{vm}'",
    ],
    "sqlite": [
        "UPDATE customer_account SET settled_until = 0 WHERE customer_id = {ada}",
        "UPDATE customer_account SET credit = '1,000' WHERE customer_id = {ada}",
        "UPDATE subscription_subscription SET price = '1,000' WHERE id = {vm}",
        "UPDATE subscription_subscription SET price = x'00' WHERE id = {vm}",
        "UPDATE subscription_subscription SET price = 100.5 WHERE id = {vm}",
        "UPDATE subscription_subscription SET isactive = 2 WHERE id = {vm}",
        "UPDATE subscription_pause SET paused_because = 'rain' WHERE subscription_id = {vm}",
    ],
}


@pytest.mark.django_db
@pytest.mark.parametrize("damage", UNREADABLE[connection.vendor])
def test_a_value_that_cannot_be_read_is_a_fault_and_no_traceback(damage, books, capsys):
    with transaction.atomic():
        execute(damage.format(**books))
        faults, _ = check(capsys)
        transaction.set_rollback(True)
    codes = {fault["code"] for fault in faults}
    assert codes & {"value_unreadable", "job_misplaced"}
