"""The invoices by the minute, counted as they are written."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from customer import accounts
from invoice import tallies
from invoice.models import Invoice, Tally
from subscription import subscriptions
from tests.fixtures import EPOCH

MIGRATION = import_module("invoice.migrations.0003_what_was_charged_by_the_minute")


def of_invoices(unit=60):
    """What the tallies should say: invoices and amount by the `unit` of seconds."""
    found = Counter()
    for start, amount in Invoice.objects.values_list("start_time", "amount"):
        begin = start - timedelta(seconds=start.timestamp() % unit)
        found[begin] += 1 + amount * 1j
    return {begin: (int(both.real), int(both.imag)) for begin, both in found.items()}


def counted():
    found = Counter()
    for row in Tally.objects.all():
        found[row.minute] += row.invoices + int(row.amount) * 1j
    return {begin: (int(both.real), int(both.imag)) for begin, both in found.items()}


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=100_000)


@pytest.fixture
def subscribed(ada, fake_clock):
    """Three subscriptions whose instants lie seconds apart."""
    for number, second in enumerate((0, 20, 80)):
        fake_clock.at(second)
        subscriptions.create(customer=ada, name=f"vm {number}", price=7 + number, isactive=True, by=ada)
    return ada


def test_what_passes_and_changes_bill_is_counted_by_the_minute_of_its_instant(subscribed, fake_clock, run_pass):
    fake_clock.at(1825)
    run_pass()
    fake_clock.at(4000)
    accounts.top_up(customer_id=subscribed.pk, amount=5, by=subscribed)

    assert Invoice.objects.count() == 18
    assert len(counted()) == 12  # the first two share their minutes
    assert counted() == of_invoices()


def test_what_is_rolled_back_is_not_counted(subscribed, fake_clock):
    fake_clock.at(700)
    with transaction.atomic():
        accounts.top_up(customer_id=subscribed.pk, amount=5, by=subscribed)
        assert Tally.objects.exists()
        transaction.set_rollback(True)
    assert not Tally.objects.exists()


@pytest.mark.parametrize("writer", [10_000_000, -5])  # what a pooler invents may be below 0
def test_adding_up_keeps_the_sums_and_makes_one_row_of_a_minute_and_then_of_an_hour(
    subscribed, fake_clock, run_pass, writer
):
    fake_clock.at(7500)
    run_pass()
    once = Tally.objects.count()
    for row in list(Tally.objects.all()):  # as if another connection had counted the same
        Tally.objects.create(minute=row.minute, writer=writer, invoices=1, amount=1)
    before = sum(invoices for invoices, _ in counted().values())

    tallies.compact()
    assert Tally.objects.count() == once
    assert set(Tally.objects.values_list("writer", flat=True)) == {0}
    assert sum(invoices for invoices, _ in counted().values()) == before

    fake_clock.advance(3 * 86_400)
    tallies.compact()
    assert [row.minute for row in Tally.objects.order_by("minute")] == [EPOCH + timedelta(hours=n) for n in range(3)]
    assert sum(invoices for invoices, _ in counted().values()) == before


def test_the_latest_minute_is_left_alone(subscribed, fake_clock, run_pass):
    fake_clock.at(610)
    run_pass()
    Tally.objects.update(writer=77)
    tallies.compact()
    assert Tally.objects.get().writer == 77


@pytest.mark.parametrize("count", [lambda: call_command("recount_tallies"), lambda: MIGRATION.count(apps, None)])
def test_counting_anew_finds_what_the_invoices_say(subscribed, fake_clock, run_pass, count):
    fake_clock.at(4000)
    run_pass()
    right = counted()
    Tally.objects.all().delete()
    count()
    assert counted() == right == of_invoices()


def test_counting_anew_replaces_what_was_wrong(subscribed, fake_clock, run_pass, capsys):
    fake_clock.at(4000)
    run_pass()
    Tally.objects.update(invoices=5)
    call_command("recount_tallies")
    assert counted() == of_invoices()
    assert capsys.readouterr().out == "18 invoices are counted.\n"


def test_a_minute_may_come_to_more_than_an_account_can_hold(make_customer, fake_clock, run_pass):
    dear = 2**62 + 1
    for name in ("ada", "grace", "edsger"):
        customer = make_customer(name, credit=dear)
        subscriptions.create(customer=customer, name="all of it", price=dear, isactive=True, by=customer)
    fake_clock.at(600)
    run_pass()
    assert Invoice.objects.count() == 3
    assert int(Tally.objects.get().amount) == pytest.approx(3 * dear, rel=1e-14)
    tallies.recount()
    assert int(Tally.objects.get().amount) == pytest.approx(3 * dear, rel=1e-14)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_no_connection_waits_for_what_another_is_counting(subscribed, make_customer, fake_clock):
    grace = make_customer("grace", credit=100)
    subscriptions.create(customer=grace, name="vm", price=5, isactive=True, by=grace)
    fake_clock.at(700)

    def bill_grace():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
            return accounts.top_up(customer_id=grace.pk, amount=5, by=grace)
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor() as another:
        accounts.top_up(customer_id=subscribed.pk, amount=5, by=subscribed)
        assert another.submit(bill_grace).result() == 100
    assert Tally.objects.filter(minute=EPOCH + timedelta(minutes=11)).count() == 2
    assert counted() == of_invoices()


def test_adding_up_loses_no_digit(db, fake_clock):
    hour = EPOCH - timedelta(days=4)
    amounts = [10**17 + 7, 10**17 + 11]
    for minute, amount in enumerate(amounts):
        Tally.objects.create(minute=hour + timedelta(minutes=minute), writer=0, invoices=1, amount=amount)
    tallies.compact()
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(amount AS text) FROM invoice_tally")
        assert [int(amount) for (amount,) in cursor.fetchall()] == [sum(amounts)]
