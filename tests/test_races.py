"""Real connections against each other: nothing is lost, nothing billed twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from customer import accounts, clock
from customer.models import Account
from invoice import billing
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription

pytestmark = pytest.mark.django_db(transaction=True)


def in_parallel(*tasks: Callable[[], object]) -> list:
    """Starts all tasks at once, each on a connection of its own; raises what any of them raised."""
    start = threading.Barrier(len(tasks))

    def run(task):
        try:
            start.wait(30)
            return task()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(run, task) for task in tasks]]


def bill_until_nothing_is_due() -> int:
    invoices = 0
    while (due := billing.next_due()) and due <= clock.now():
        invoices += billing.run_pass()
    return invoices


def assert_books(*, deposited: int) -> None:
    """All that was put in is still there, or was invoiced; no instant is invoiced twice or left out."""
    total = sum(account.credit + account.invoice_total for account in Account.objects.all())
    assert total == deposited
    for account in Account.objects.all():
        amounts = list(Invoice.objects.filter(customer=account.pk).values_list("amount", flat=True))
        assert (account.invoice_count, account.invoice_total) == (len(amounts), sum(amounts))
        assert account.credit == sum(account.ledger.values_list("amount", flat=True)) - sum(amounts)


@pytest.fixture
def behind(make_customer, fake_clock):
    """Customers whose subscriptions have missed some instants; the clock stands still after them."""

    def make(customers: int, instants: int, credit: int = 10_000) -> list[Subscription]:
        made = []
        for number in range(customers):
            customer = make_customer(f"customer{number}", credit=credit)
            made.append(subscriptions.create(customer=customer, name="VM", price=7, isactive=True, by=None))
        fake_clock.advance(600 * instants)
        return made

    return make


def test_sixty_four_top_ups_at_once_all_count(make_customer):
    ada = make_customer("ada", credit=0)
    answers = in_parallel(*[lambda: accounts.top_up(customer_id=ada.pk, amount=10, by=None) for _ in range(64)])
    assert sorted(answers) == [10 * k for k in range(1, 65)], "each saw a balance of its own"
    assert Account.objects.get(pk=ada.pk).credit == 640
    assert_books(deposited=640)


def test_top_ups_and_passes_at_once_lose_nothing(behind):
    made = behind(customers=5, instants=20)
    top_ups = [
        lambda vm=vm: accounts.top_up(customer_id=vm.customer_id, amount=3, by=None) for vm in made for _ in range(4)
    ]
    in_parallel(*top_ups, bill_until_nothing_is_due, bill_until_nothing_is_due)
    bill_until_nothing_is_due()
    assert [vm.invoices.count() for vm in made] == [20] * 5
    assert_books(deposited=5 * 10_000 + 20 * 3)


def test_switching_and_passes_at_once_bill_every_instant_that_ran(behind, fake_clock):
    made = behind(customers=3, instants=10)

    def switch_about(vm):
        for isactive in (False, True, False, True):
            subscriptions.set_active(customer_id=vm.customer_id, subscription_id=vm.pk, isactive=isactive, by=None)

    in_parallel(*[lambda vm=vm: switch_about(vm) for vm in made], bill_until_nothing_is_due, bill_until_nothing_is_due)
    bill_until_nothing_is_due()
    # Every event comes after the ten instants that were due, whoever billed them.
    assert [vm.invoices.count() for vm in made] == [10] * 3
    assert [vm.pauses.count() for vm in made] == [2] * 3
    assert_books(deposited=3 * 10_000)


def test_four_schedulers_at_once_share_the_work(behind, monkeypatch):
    monkeypatch.setattr(billing, "CLAIM", 4)
    monkeypatch.setattr(billing, "MOST", 6)
    made = behind(customers=12, instants=10)
    shares = in_parallel(*[bill_until_nothing_is_due] * 4)
    assert sum(shares) == 120
    for vm in made:
        starts = list(vm.invoices.order_by("id").values_list("start_time", flat=True))
        assert starts == [vm.created_at + timedelta(seconds=600 * k) for k in range(1, 11)]
    assert_books(deposited=12 * 10_000)


def test_credit_for_one_is_not_spent_twice(behind):
    (vm,) = behind(customers=1, instants=10, credit=7 * 3 + 1)
    in_parallel(*[bill_until_nothing_is_due] * 3)
    assert vm.invoices.count() == 3
    assert Account.objects.get().credit == 1


def test_a_pass_goes_round_an_account_that_somebody_holds(behind, postgresql):
    held, free = behind(customers=2, instants=1)
    locked, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Account.objects.select_for_update(no_key=True).get(pk=held.customer_id)
            locked.set()
            assert done.wait(30)

    def bill():
        assert locked.wait(30)
        try:
            return billing.run_pass()
        finally:
            done.set()

    assert in_parallel(hold, bill) == [None, 1]
    assert (held.invoices.count(), free.invoices.count()) == (0, 1)
    assert billing.run_pass() == 1


def test_an_event_waits_for_the_pass_that_holds_its_account_and_comes_after_it(behind, postgresql, fake_clock):
    (vm,) = behind(customers=1, instants=1)
    claimed, asked = threading.Event(), threading.Event()

    def bill():
        steps = billing.a_pass(billing.CLAIM)
        accounts_claimed = next(steps)
        claimed.set()
        assert asked.wait(30)
        return steps.send({account.customer_id for account in accounts_claimed})

    def switch_off():
        assert claimed.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        threading.Thread(target=tell_when_waiting, args=(pid,)).start()
        subscriptions.set_active(customer_id=vm.customer_id, subscription_id=vm.pk, isactive=False, by=None)

    def tell_when_waiting(pid):
        try:
            with connection.cursor() as cursor:
                while True:
                    cursor.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [pid])
                    if cursor.fetchone() == ("Lock",):
                        break
        finally:
            asked.set()
            connections.close_all()

    in_parallel(bill, switch_off)
    assert vm.invoices.count() == 1
    assert vm.pauses.get().withheld_from == vm.created_at + timedelta(seconds=1200)
