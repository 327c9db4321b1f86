"""The outlook of an account: what comes if nobody does anything, and if something is put in."""

from datetime import timedelta

import pytest
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.errors import AccountSetAside
from customer.models import Account
from invoice import outlook
from subscription import subscriptions
from tests.fixtures import EPOCH

DAY = 86_400


def at(seconds):
    return EPOCH + timedelta(seconds=seconds)


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


def subscribe(customer, *, price=300, name="VM", isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


# --- what is told ---------------------------------------------------------------------------------


def test_an_outlook_tells_the_coming_invoices_and_which_subscription_pauses_when(ada, fake_clock):
    vm, disk = subscribe(ada, price=400), subscribe(ada, price=50, name="Disk")
    found = outlook.of_customer(customer_id=ada.pk, days=1, first=3)
    assert (found.at, found.until, found.stored, found.credit, found.left) == (EPOCH, at(DAY), 1000, 1000, 0)
    assert [(due.subscription_id, due.amount, due.start_time, due.end_time) for due in found.first] == [
        (vm.pk, 400, at(600), at(1200)),
        (disk.pk, 50, at(600), at(1200)),
        (vm.pk, 400, at(1200), at(1800)),
    ]
    assert [(stop.name, stop.at, stop.withheld_from) for stop in found.pauses] == [
        ("VM", at(1200), at(1800)),
        ("Disk", at(2400), at(3000)),
    ]
    assert found.runs_out_at == at(1200)
    assert [(each.name, each.invoices, each.amount, each.next_invoice_at) for each in found.prospects] == [
        ("VM", 2, 800, at(600)),
        ("Disk", 4, 200, at(600)),
    ]
    assert (found.invoices, found.amount) == (6, 1000)


def test_what_is_put_in_now_resumes_what_it_covers_and_lasts_longer(ada, fake_clock, run_pass):
    vm = subscribe(ada, price=700)
    fake_clock.at(700)
    run_pass()
    assert outlook.of_customer(customer_id=ada.pk).first == []
    found = outlook.of_customer(customer_id=ada.pk, extra=1200, first=5)
    assert [(resumed.subscription_id, resumed.restored_from) for resumed in found.resumed] == [(vm.pk, at(1200))]
    assert [due.start_time for due in found.first] == [at(1200), at(1800)]
    assert (found.stored, found.credit, found.left, found.runs_out_at) == (300, 1500, 100, at(1800))


def test_what_is_due_is_billed_before_anything_else(ada, fake_clock):
    subscribe(ada, price=300)
    fake_clock.at(1900)
    found = outlook.of_customer(customer_id=ada.pk, extra=500)
    assert (found.due_invoices, found.due_amount, found.credit) == (3, 900, 600)
    assert [stop.at for stop in found.due_pauses] == [at(1800)]
    assert [due.start_time for due in found.first] == [at(2400), at(3000)]


def test_a_year_of_seconds_is_told_at_once(make_customer, fake_clock, settings):
    settings.INVOICE_PERIOD = 1
    rich = make_customer("rich", credit=10**12)
    subscribe(rich, price=2)
    found = outlook.of_customer(customer_id=rich.pk)
    assert (found.invoices, found.left, found.runs_out_at) == (31_536_000, 10**12 - 2 * 31_536_000, None)


def test_an_account_that_cannot_be_billed_has_no_outlook(ada, fake_clock):
    vm = subscribe(ada)
    DjangoJob.objects.filter(pk=str(vm.pk)).update(next_run_time=at(17))
    with pytest.raises(AccountSetAside):
        outlook.of_customer(customer_id=ada.pk)
    DjangoJob.objects.all().delete()
    with pytest.raises(AccountSetAside):
        outlook.of_customer(customer_id=ada.pk)


def test_an_account_set_aside_has_no_outlook(ada):
    accounts.set_aside(customer_id=ada.pk, error="broken")
    with pytest.raises(AccountSetAside):
        outlook.of_customer(customer_id=ada.pk)


def test_nobody_has_no_outlook(db):
    with pytest.raises(Account.DoesNotExist):
        outlook.of_customer(customer_id=7)
