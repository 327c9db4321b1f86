"""An account that cannot be billed is set aside whole; all others go on; repaired, it is billed as if late."""

import pytest
from django.db import connection
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.errors import AccountSetAside
from customer.models import SetAside
from invoice import billing
from invoice.models import Invoice
from subscription import subscriptions
from tests.fixtures import EPOCH


@pytest.fixture
def three(make_customer, fake_clock):
    """Three customers with a subscription each, all due at 600; the second's rows are to be broken."""
    vms = []
    for name in ("ada", "bob", "eve"):
        customer = make_customer(name, credit=1000)
        vms.append(subscriptions.create(customer=customer, name="VM", price=100, isactive=True, by=None))
    return vms


def execute(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def move_back(vm, fake_clock, run_pass):
    """The job stands behind the invoices of its subscription."""
    fake_clock.at(600)
    run_pass()
    DjangoJob.objects.filter(pk=vm.pk).update(next_run_time=EPOCH.replace(minute=10))


def move_off_the_grid(vm, fake_clock, run_pass):
    DjangoJob.objects.filter(pk=vm.pk).update(next_run_time=EPOCH.replace(minute=9))


def move_ahead(vm, fake_clock, run_pass):
    """Instants would be left out; nobody notices before the account is opened or another of its jobs is due."""
    subscriptions.create(customer=vm.customer, name="second", price=1, isactive=True, by=None)
    DjangoJob.objects.filter(pk=vm.pk).update(next_run_time=EPOCH.replace(hour=1))


def lose_the_job(vm, fake_clock, run_pass):
    subscriptions.create(customer=vm.customer, name="second", price=1, isactive=True, by=None)
    DjangoJob.objects.filter(pk=vm.pk).delete()


def bill_beforehand(vm, fake_clock, run_pass):
    """An invoice stands where the job is about to write one."""
    Invoice.objects.create(
        customer=vm.customer,
        subscription=vm,
        amount=1,
        start_time=EPOCH.replace(minute=10),
        end_time=EPOCH.replace(minute=20),
    )


DAMAGES = [move_back, move_off_the_grid, move_ahead, lose_the_job, bill_beforehand]


@pytest.mark.django_db
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_account_is_set_aside_with_its_error_and_the_others_are_billed(damage, three, fake_clock, run_pass):
    damage(three[1], fake_clock, run_pass)
    before = three[1].invoices.count()
    fake_clock.at(1200)
    run_pass()
    run_pass()
    aside = SetAside.objects.get()
    assert aside.account_id == three[1].customer_id
    assert aside.error
    assert three[0].invoices.count() == three[2].invoices.count() == 2
    assert three[1].invoices.count() == before
    assert billing.next_due() == EPOCH.replace(minute=30), "its overdue job would spin the scheduler"


@pytest.mark.django_db
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_event_finds_the_damage_and_changes_nothing(damage, three, fake_clock, run_pass):
    damage(three[1], fake_clock, run_pass)
    fake_clock.at(1200)
    with pytest.raises(AccountSetAside):
        accounts.top_up(customer_id=three[1].customer_id, amount=5, by=None)
    assert SetAside.objects.get().account_id == three[1].customer_id
    assert accounts.Account.objects.get(pk=three[1].customer_id).ledger.count() == 1


@pytest.mark.django_db
def test_a_repaired_account_is_billed_as_if_the_scheduler_had_been_late(three, fake_clock, run_pass):
    broken = three[1]
    move_off_the_grid(broken, fake_clock, run_pass)
    fake_clock.at(1200)
    run_pass()
    run_pass()
    DjangoJob.objects.filter(pk=broken.pk).update(next_run_time=EPOCH.replace(minute=10))
    fake_clock.at(1800)
    run_pass()
    assert broken.invoices.count() == 0, "it waits for its retry"
    accounts.retry(customer_id=broken.customer_id)
    run_pass()
    assert sorted(broken.invoices.values_list("start_time__minute", flat=True)) == [10, 20, 30]
    assert not SetAside.objects.exists()


@pytest.mark.django_db
def test_a_job_whose_id_is_no_number_harms_nobody(three, fake_clock, run_pass):
    for name in ("housekeeping", f"{three[0].pk}abc", "9" * 30):
        DjangoJob.objects.create(id=name, next_run_time=EPOCH, job_state=b"")
    fake_clock.at(600)
    run_pass()
    assert Invoice.objects.count() == 3
    assert billing.next_due() == EPOCH.replace(minute=20)


@pytest.mark.django_db
def test_a_price_broken_by_hand_is_found(three, fake_clock, run_pass):
    if connection.vendor == "postgresql":
        connection.check_constraints()  # a table with checks still to come cannot be altered
        execute("ALTER TABLE subscription_subscription DROP CONSTRAINT subscription_price_positive")
    else:
        execute("PRAGMA ignore_check_constraints = ON")
    try:
        execute("UPDATE subscription_subscription SET price = -5 WHERE id = %s", three[1].pk)
    finally:
        if connection.vendor == "sqlite":
            execute("PRAGMA ignore_check_constraints = OFF")
    fake_clock.at(600)
    run_pass()
    assert "costs -5" in SetAside.objects.get().error
    assert Invoice.objects.count() == 2


@pytest.mark.django_db
def test_credit_taken_by_hand_pauses_the_job_and_is_not_overdrawn(three, fake_clock, run_pass):
    execute("UPDATE customer_account SET credit = 50 WHERE customer_id = %s", three[1].customer_id)
    fake_clock.at(600)
    run_pass()
    assert three[1].invoices.count() == 0
    assert three[1].pauses.get().withheld_from == EPOCH.replace(minute=10)


UNREADABLE = {
    "postgresql": [
        "UPDATE customer_account SET settled_until = 'infinity' WHERE customer_id = {customer}",
        "UPDATE customer_account SET settled_until = '20000-01-01' WHERE customer_id = {customer}",
        "UPDATE subscription_subscription SET created_at = '-infinity' WHERE id = {subscription}",
        "UPDATE django_apscheduler_djangojob SET next_run_time = '-infinity' WHERE id = '{subscription}'",
        "UPDATE django_apscheduler_djangojob SET next_run_time = '0044-03-15 BC' WHERE id = '{subscription}'",
    ],
    "sqlite": [
        "UPDATE customer_account SET settled_until = 'x' WHERE customer_id = {customer}",
        "UPDATE customer_account SET settled_until = 0 WHERE customer_id = {customer}",
        "UPDATE customer_account SET credit = '1,000' WHERE customer_id = {customer}",
        "UPDATE subscription_subscription SET price = '1,000' WHERE id = {subscription}",
        "UPDATE subscription_subscription SET price = 100.5 WHERE id = {subscription}",
        "UPDATE subscription_subscription SET created_at = x'00' WHERE id = {subscription}",
        "UPDATE django_apscheduler_djangojob SET next_run_time = '' WHERE id = '{subscription}'",
        "UPDATE django_apscheduler_djangojob SET next_run_time = 0 WHERE id = '{subscription}'",
        "UPDATE django_apscheduler_djangojob SET next_run_time = '1 Jan 2030' WHERE id = '{subscription}'",
    ],
}


@pytest.fixture(params=UNREADABLE[connection.vendor])
def unreadable(request, three):
    """The second of three subscriptions, whose rows hold what no program would have written."""
    execute(request.param.format(customer=three[1].customer_id, subscription=three[1].pk))
    return three[1]


@pytest.mark.django_db
def test_what_cannot_be_read_is_set_aside_and_the_others_are_billed(unreadable, three, fake_clock, run_pass):
    fake_clock.at(600)
    for _ in range(2):
        run_pass()
    assert list(SetAside.objects.values_list("account_id", flat=True)) == [unreadable.customer_id]
    assert [vm.invoices.count() for vm in three] == [1, 0, 1]
    assert billing.next_due() == EPOCH.replace(minute=20)


@pytest.mark.django_db
def test_an_event_on_what_cannot_be_read_is_refused_and_sets_it_aside(unreadable, fake_clock):
    with pytest.raises(AccountSetAside):
        accounts.top_up(customer_id=unreadable.customer_id, amount=5, by=None)
    assert SetAside.objects.get().account_id == unreadable.customer_id


@pytest.mark.django_db
def test_a_very_late_account_leaves_the_others_their_share_of_a_pass(three, fake_clock, run_pass, monkeypatch):
    monkeypatch.setattr(billing, "MOST", 6)
    late, *others = three
    fake_clock.at(600)
    for vm in others:
        accounts.top_up(customer_id=vm.customer_id, amount=1, by=None)
    fake_clock.at(6000)
    run_pass()
    assert [vm.invoices.count() for vm in three] == [2, 3, 3]


UNREADABLE_IN_A_LIST = {
    "postgresql": [
        ("UPDATE subscription_subscription SET created_at = 'infinity' WHERE id = %s", "/subscription/list"),
        ("UPDATE invoice_invoice SET end_time = 'infinity' WHERE subscription_id = %s", "/invoice/list"),
    ],
    "sqlite": [
        ("UPDATE subscription_subscription SET created_at = '2030-13-01 00:00:00' WHERE id = %s", "/subscription/list"),
        ("UPDATE invoice_invoice SET end_time = '2030-13-01 00:00:00' WHERE subscription_id = %s", "/invoice/list"),
    ],
}


@pytest.mark.parametrize(("damage", "path"), UNREADABLE_IN_A_LIST[connection.vendor])
def test_a_list_of_rows_that_cannot_be_read_is_503_for_their_customer_alone(
    damage, path, three, fake_clock, run_pass, client_of
):
    _, vm, other = three
    fake_clock.at(600)
    run_pass()
    client = client_of(vm.customer)
    client.raise_request_exception = False
    execute(damage, vm.pk)
    assert client.get(path).status_code == 503
    assert client_of(other.customer).get(path).status_code == 200
    assert client.get("/customer/profile/").status_code == 200
