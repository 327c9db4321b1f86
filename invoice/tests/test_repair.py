"""A repair puts right what follows from the rest of the books, and touches nothing where something does not.

The books and their damages are those of tests/test_damage.py.
"""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import BinaryField
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.models import Account, Customer, SetAside
from invoice import repair
from invoice.checks import report
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Pause
from tests import test_damage
from tests.fixtures import EPOCH
from tests.test_damage import DAMAGES, JOB, VM_JOB, execute, t

books = test_damage.books

MOVES, PLACE = "The job of subscription {vm} moves from", "2030-01-01 01:30:00"
CREDIT = "the ledger's 10070 less the invoices' 2550."
# What is said of each damage that is put right without a trace, and whether a pass sets the account aside for it; None
# where a pass bills by what is wrong, which then is on record or in other numbers.
DERIVED = {
    "a job was moved back": (f"{MOVES} 2030-01-01 01:20:00{{utc}} to {PLACE}.", True),
    "a job was moved back before its grid": (f"{MOVES} 2029-12-31 07:20:00{{utc}} to {PLACE}.", True),
    "a job was moved forward": (f"{MOVES} 2030-01-01 01:40:00{{utc}} to {PLACE}.", True),
    "a job was moved to the end of time": (f"{MOVES} 9999-12-31 23:50:00{{utc}} to {PLACE}.", False),
    "a job was moved off its grid": (f"{MOVES} 2030-01-01 01:29:59{{utc}} to {PLACE}.", True),
    "a job was moved by less than a second": (f"{MOVES} 2030-01-01 01:30:00.25{{zeros}}{{utc}} to {PLACE}.", True),
    "an account's time was moved": (
        f"settled_until becomes 2030-01-01 01:21:40, not {PLACE}: every job stands where its invoices and pauses end.",
        True,
    ),
    "a job is gone": (f"The job of subscription {{vm}} is made again, at {PLACE}.", False),
    "a job is paused that must run": (
        f"The job of subscription {{vm}}, which nothing on record pauses, runs again, from {PLACE} on.",
        False,
    ),
    "a running job has an open pause": (
        f"The open pause of subscription {{vm}} ends at {PLACE}, where it went on.",
        False,
    ),
    "an open pause is gone": (
        "A pause of subscription {disk} is recorded, deactivated, from 2030-01-01 00:30:00 on.",
        False,
    ),
    "a job runs that the credit does not cover": (f"credit becomes 7520, not 499: {CREDIT}", None),
    "a credit is one too high": (f"credit becomes 7520, not 7521: {CREDIT}", None),
    "a credit is one too low": (f"credit becomes 7520, not 7519: {CREDIT}", None),
    "deposited is wrong": ("deposited becomes 10070, not 10069: the sum of the positive ledger entries.", False),
    "the count of invoices is wrong": ("invoice_count becomes 7, not 8: the number of the invoices.", None),
    "the sum of invoices is wrong": ("invoice_total becomes 2550, not 0: the sum of the invoices.", None),
    "an account is set aside": ("The account is opened.", True),
}
DUE = "What is due is billed: 2 instants, if the credit lasts."
# Where the record stands, but neither says what was meant: the rule has it from now on.
FOLLOWED = {
    "a job runs that is switched off": ["The job of subscription {vm} is then paused, as the rule wants it."],
    "a job is paused that is switched on": [
        "The job of subscription {disk} then goes on, as the rule wants it: it is active, and the credit covers its"
        " price. What was withheld from 2030-01-01 00:30:00 until then is never billed.",
        DUE,
    ],
    "an adjustment came in beside the door": [
        "credit becomes 7513, not 7520: the ledger's 10063 less the invoices' 2550.",
        DUE,
    ],
}
NOBODYS = {"a job is nobody's", "jobs' ids are no numbers"}


def at(seconds):
    return EPOCH + timedelta(seconds=seconds)


def said(sentence, books):
    postgresql = connection.vendor == "postgresql"
    return sentence.format(**books, utc="+00" * postgresql, zeros="" if postgresql else "0000")


def plant(statements, books):
    execute(*(each.format(**books) for each in ([statements] if isinstance(statements, str) else statements)))


def faults():
    """What check_billing finds."""
    return report.run(progress=lambda _: None).faults


def contents():
    """Every row of the database."""
    with connection.cursor() as cursor:
        found = {}
        for model in apps.get_models():
            fields = [field for field in model._meta.concrete_fields if not isinstance(field, BinaryField)]
            columns = ", ".join(f"CAST({field.column} AS varchar)" for field in fields)
            cursor.execute(f"SELECT {columns} FROM {model._meta.db_table}")
            found[model] = sorted(cursor.fetchall(), key=str)
        return found


def live_on(books, fake_clock, run_pass):
    """Ada's books after some more passes and events."""
    fake_clock.at(7300)
    for _ in range(3):
        run_pass()
    accounts.top_up(customer_id=books["ada"], amount=5, by=None)
    subscriptions.set_active(customer_id=books["ada"], subscription_id=books["disk"], isactive=True, by=None)
    fake_clock.at(9100)
    run_pass()
    subscriptions.set_active(customer_id=books["ada"], subscription_id=books["vm"], isactive=False, by=None)
    pauses = Pause.objects.filter(subscription__customer=books["ada"]).order_by("subscription_id", "withheld_from")
    return {
        "account": Account.objects.filter(pk=books["ada"]).values().get(),
        "invoices": sorted(
            Invoice.objects.of(books["ada"]).values_list("subscription_id", "start_time", "end_time", "amount")
        ),
        "jobs": dict(DjangoJob.objects.values_list("id", "next_run_time")),
        "pauses": [
            (pause.subscription_id, pause.withheld_from, pause.restored_from)
            for pause in pauses
            if pause.withheld_from != pause.restored_from
        ],
    }


def repaired(books):
    """Repairs ada's account: the preview says what is done and does nothing, and a second repair has nothing to do."""
    before = contents()
    foreseen = repair.preview(customer_id=books["ada"])
    assert contents() == before
    assert foreseen.needed
    assert foreseen.remains == []
    assert repair.repair(customer_id=books["ada"], by=None) == foreseen
    assert faults() == []
    assert not SetAside.objects.exists()
    after = contents()
    assert repair.preview(customer_id=books["ada"]).lines() == ["Nothing is wrong."]
    assert not repair.repair(customer_id=books["ada"], by=None).needed
    assert contents() == after
    return foreseen.lines()


@pytest.mark.parametrize(
    ("damage", "late"),
    [(damage, late) for damage in DERIVED for late in (False, True) if not late or DERIVED[damage][1] is not None],
)
def test_what_follows_from_the_books_leaves_those_of_an_account_never_damaged(
    damage, late, books, fake_clock, run_pass
):
    sentence, set_aside = DERIVED[damage]
    with transaction.atomic():
        sound = live_on(books, fake_clock, run_pass)
        transaction.set_rollback(True)
    fake_clock.at(4900)
    plant(DAMAGES[damage][0], books)
    assert {fault.code for fault in faults()} == DAMAGES[damage][1]
    if late:
        fake_clock.at(6100)
        run_pass()
        assert SetAside.objects.exists() == set_aside
    assert said(sentence, books) in repaired(books)
    assert live_on(books, fake_clock, run_pass) == sound
    assert faults() == []


@pytest.mark.parametrize("damage", FOLLOWED)
def test_where_the_rows_do_not_say_what_was_meant_the_rule_has_it_from_now_on(damage, books, fake_clock, run_pass):
    fake_clock.at(6100)
    plant(DAMAGES[damage][0], books)
    lines = repaired(books)
    assert lines == [said(sentence, books) for sentence in FOLLOWED[damage]]
    disk = Pause.objects.get(subscription=books["disk"])
    vm = Pause.objects.filter(subscription=books["vm"]).latest("id")
    if damage == "a job is paused that is switched on":
        assert (disk.restored_from, disk.resumed_at, disk.resumed_on) == (at(6600), at(6100), "repair")
    if damage == "a job runs that is switched off":
        assert (vm.withheld_from, vm.paused_because) == (at(5400), "deactivated")
    live_on(books, fake_clock, run_pass)
    assert faults() == []


def test_what_is_wrong_with_another_account_is_nothing_to_this_one(books):
    plant(
        [
            f"UPDATE subscription_pause SET withheld_from = {t(7)} WHERE subscription_id IN ({{vm}}, {{disk}})",
            "UPDATE subscription_pricechange SET price = 7",
            f"UPDATE invoice_invoice SET end_time = {t(9999)} WHERE subscription_id = {{vm}}",
            f"{JOB} NULL {VM_JOB}",
        ],
        books,
    )
    assert {fault.account for fault in faults()} == {books["ada"]}
    assert not repair.preview(customer_id=books["bob"]).needed


@pytest.mark.parametrize("damage", sorted(NOBODYS))
def test_what_is_no_accounts_is_left_alone(damage, books):
    plant(DAMAGES[damage][0], books)
    assert not repair.preview(customer_id=books["ada"]).needed


def test_a_stray_pause_in_spite_of_which_the_job_was_billed_ends_where_it_began(books, fake_clock, run_pass):
    plant(DAMAGES["a running job has an open pause"][0], books)
    fake_clock.at(6100)
    run_pass()
    assert {fault.code for fault in faults()} == {"pause_left_open"}
    repaired(books)
    assert Pause.objects.get(subscription=books["vm"], withheld_from=at(5400)).restored_from == at(5400)


def test_a_job_that_was_made_to_run_in_its_pause_is_paused_again(books):
    execute(f"{JOB} {t(5400)} WHERE id = '{books['disk']}'")
    assert repaired(books)[0] == (
        f"The job of subscription {books['disk']} is paused, as it is on record from 2030-01-01 00:30:00 on."
    )


def switch(books, which, isactive):
    subscriptions.set_active(customer_id=books["ada"], subscription_id=books[which], isactive=isactive, by=None)


LATEST = {
    "a top-up": lambda books: accounts.top_up(customer_id=books["ada"], amount=5, by=None),
    "a resume": lambda books: switch(books, "disk", True),
    "a pause": lambda books: (switch(books, "disk", True), switch(books, "disk", False)),
    "a price": lambda books: subscriptions.change_price(
        customer_id=books["ada"], subscription_id=books["disk"], price=7, by=None
    ),
    "a creation": lambda books: subscriptions.create(
        customer=Customer.objects.get(pk=books["ada"]), name="net", price=5, isactive=True, by=None
    ),
}


@pytest.mark.parametrize("latest", LATEST)
def test_a_time_that_was_moved_back_follows_from_the_latest_that_happened(latest, books, fake_clock, run_pass):
    fake_clock.at(5000.25)
    LATEST[latest](books)
    execute(f"UPDATE customer_account SET settled_until = {t(100)} WHERE customer_id = {books['ada']}")
    fake_clock.at(6100)
    run_pass()
    assert repair.preview(customer_id=books["ada"]).columns == {"settled_until": at(5000.25)}
    assert repaired(books)[0].startswith("settled_until becomes 2030-01-01 01:23:20, not 2030-01-01 00:01:40:")
