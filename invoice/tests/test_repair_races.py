"""A repair against a pass, an event or another repair, on connections of their own: it waits, or they do."""

import threading

import pytest
from django.db import connection, connections
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.errors import AccountSetAside
from customer.models import Account, SetAside
from invoice import billing, diagnosis, repair
from invoice.checks import report
from subscription import subscriptions
from tests.fixtures import EPOCH
from tests.test_races import bill_until_nothing_is_due, in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vm(make_customer, fake_clock):
    """A subscription that has missed twenty instants, and whose account counts five invoices that there are not."""
    made = subscriptions.create(
        customer=make_customer("ada", credit=10_000), name="VM", price=7, isactive=True, by=None
    )
    fake_clock.advance(600 * 20)
    Account.objects.update(invoice_count=5)
    return made


@pytest.fixture
def while_it_repairs(monkeypatch):
    """Runs a repair that stops once it has looked, until somebody else waits for its lock; then what that one did."""

    def race(vm, other):
        looked, go_on = threading.Event(), threading.Event()
        look = diagnosis.of_account

        def look_and_wait(customer_id):
            found = look(customer_id)
            looked.set()
            assert go_on.wait(30)
            return found

        monkeypatch.setattr(diagnosis, "of_account", look_and_wait)

        def somebody():
            assert looked.wait(30)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            watch = threading.Thread(target=release_when_it_waits, args=(pid, go_on))
            watch.start()
            try:
                return other()
            finally:
                go_on.set()
                watch.join(30)

        return in_parallel(lambda: repair.repair(customer_id=vm.customer_id, by=None), somebody)[1]

    return race


def release_when_it_waits(pid, go_on):
    try:
        while not go_on.is_set():
            with connection.cursor() as cursor:
                cursor.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [pid])
                if cursor.fetchone() == ("Lock",):
                    go_on.set()
    finally:
        connections.close_all()


def assert_sound(vm, *, invoices):
    assert vm.invoices.count() == invoices
    assert report.run(progress=lambda _: None).faults == []
    assert not SetAside.objects.exists()


def test_repairs_passes_and_top_ups_at_once_lose_nothing(vm):
    def mend():
        repair.repair(customer_id=vm.customer_id, by=None)

    def pay():
        accounts.top_up(customer_id=vm.customer_id, amount=3, by=None)

    in_parallel(mend, mend, pay, pay, bill_until_nothing_is_due, bill_until_nothing_is_due)
    assert_sound(vm, invoices=20)
    assert Account.objects.get(pk=vm.customer_id).credit == 10_000 + 6 - 140


def test_a_top_up_waits_for_the_repair_and_comes_after_it(vm, while_it_repairs, postgresql):
    credit = while_it_repairs(vm, lambda: accounts.top_up(customer_id=vm.customer_id, amount=3, by=None))
    assert credit == 10_000 - 140 + 3
    assert_sound(vm, invoices=20)


def test_a_pass_goes_round_an_account_under_repair(vm, while_it_repairs, postgresql):
    assert while_it_repairs(vm, billing.run_pass) == 0
    assert_sound(vm, invoices=20)


def test_a_second_repair_finds_nothing_left_to_do(vm, while_it_repairs, postgresql):
    assert not while_it_repairs(vm, lambda: repair.repair(customer_id=vm.customer_id, by=None)).needed
    assert_sound(vm, invoices=20)


def test_a_repair_waits_for_the_pass_that_holds_its_account(vm, postgresql):
    claimed, asked = threading.Event(), threading.Event()

    def bill():
        steps = billing.a_pass(billing.CLAIM)
        (account,) = next(steps)
        claimed.set()
        assert asked.wait(30)
        return steps.send({account.customer_id})

    def mend():
        assert claimed.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        watch = threading.Thread(target=release_when_it_waits, args=(pid, asked))
        watch.start()
        return repair.repair(customer_id=vm.customer_id, by=None).steps

    assert in_parallel(bill, mend) == [20, ["invoice_count becomes 20, not 25: the number of the invoices."]]
    assert_sound(vm, invoices=20)


def test_until_it_is_repaired_events_are_refused_however_many_there_are(vm):
    DjangoJob.objects.update(next_run_time=EPOCH.replace(minute=9))

    def pay():
        try:
            accounts.top_up(customer_id=vm.customer_id, amount=3, by=None)
        except AccountSetAside:
            return 0
        return 3

    assert in_parallel(pay, pay, bill_until_nothing_is_due) == [0, 0, 0]
    repair.repair(customer_id=vm.customer_id, by=None)
    assert_sound(vm, invoices=20)


def test_a_preview_waits_for_nobody(vm):
    locked, seen = threading.Event(), threading.Event()

    def hold():
        with accounts.door(vm.customer_id, event=accounts.Event.TOP_UP):
            locked.set()
            assert seen.wait(30)

    def look():
        assert locked.wait(30)
        try:
            return repair.preview(customer_id=vm.customer_id).steps
        finally:
            seen.set()

    assert in_parallel(hold, look)[1] == ["invoice_count becomes 0, not 5: the number of the invoices."]
    assert Account.objects.get(pk=vm.customer_id).invoice_count == 25
