"""Every customer has an account, and one door leads to it."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import F

from customer import accounts, customers
from customer.accounts import Event
from customer.errors import AccountSetAside, CreditTooLow, DepositLimit, StillHasBooks
from customer.models import Account, Customer, LedgerEntry
from customer.signals import account_changed, account_opened
from invoice import receivers
from subscription import subscriptions
from subscription.signals import subscription_created, subscription_deleted

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "make",
    [
        lambda: Customer.objects.create(username="ada"),
        lambda: Customer.objects.get_or_create(username="ada")[0],
        lambda: Customer.objects.create_user("ada", password="correct horse"),
        lambda: call_command("createsuperuser", "--noinput", username="ada", email="ada@example.org", verbosity=0),
        lambda: customers.register(username="ada", password="correct horse"),
    ],
)
def test_however_a_customer_is_made_there_is_an_account(make):
    make()
    assert Customer.objects.get().credit == 0


def test_saving_a_customer_cannot_put_an_old_credit_back(make_customer):
    stale = make_customer(credit=100)
    assert stale.credit == 100
    accounts.top_up(customer_id=stale.pk, amount=50, by=None)
    stale.first_name = "Ada"
    stale.save()
    assert Customer.objects.get().credit == 150


def test_another_accounts_door_stays_shut_while_one_is_open(make_customer):
    ada, bob = make_customer("ada"), make_customer("bob")
    with (
        pytest.raises(RuntimeError, match=f"door of account {ada.pk} is open"),
        accounts.door(ada.pk, event=Event.TOP_UP),
    ):
        accounts.top_up(customer_id=bob.pk, amount=1, by=None)
    assert accounts.opened() is None
    assert not LedgerEntry.objects.exists()


def test_the_same_door_opened_inside_is_one_instant_and_one_transaction(make_customer):
    ada = make_customer()

    def top_up_and_fail():
        with accounts.door(ada.pk, event=Event.TOP_UP) as outer:
            accounts.top_up(customer_id=ada.pk, amount=1, by=None)
            assert LedgerEntry.objects.get().at == outer.at
            raise LookupError

    with pytest.raises(LookupError):
        top_up_and_fail()
    assert Customer.objects.get().credit == 0


def test_an_inner_refusal_that_is_caught_leaves_the_outer_change(make_customer):
    ada = make_customer()
    with accounts.door(ada.pk, event=Event.TOP_UP):
        accounts.top_up(customer_id=ada.pk, amount=5, by=None)
        with pytest.raises(CreditTooLow):
            accounts.adjust(customer_id=ada.pk, amount=-6, by=None, reason="too much")
    assert Customer.objects.get().credit == 5


def test_all_that_was_ever_put_in_stays_within_64_bits(make_customer):
    ada = make_customer(credit=2**63 - 10)
    accounts.adjust(customer_id=ada.pk, amount=-(2**63 - 10), by=None, reason="given back")
    accounts.top_up(customer_id=ada.pk, amount=9, by=None)
    for change in (
        lambda: accounts.top_up(customer_id=ada.pk, amount=1, by=None),
        lambda: accounts.adjust(customer_id=ada.pk, amount=1, by=None, reason="one too many"),
    ):
        with pytest.raises(DepositLimit):
            change()
    assert Account.objects.get().deposited == 2**63 - 1


def test_the_receivers_are_these_and_no_others():
    """A second receiver, or one less, would bill differently."""
    expected = {
        account_opened: [receivers.bill_what_is_due],
        account_changed: [receivers.follow_the_rule],
        subscription_created: [receivers.add_the_job],
        subscription_deleted: [receivers.remove_the_job],
    }
    assert {signal: signal._live_receivers(None)[0] for signal in expected} == expected


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Account, {"credit": -1}),
        (Account, {"deposited": -1}),
        (Account, {"invoice_count": -1}),
        (Account, {"invoice_total": -1}),
    ],
)
def test_the_database_refuses_a_negative_account(model, values, make_customer):
    make_customer()
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.update(**values)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [("top_up", 0), ("top_up", -1), ("registration", 0), ("registration", -1), ("adjustment", 0), ("gift", 1)],
)
def test_the_database_refuses_a_ledger_entry_of_the_wrong_sign_or_kind(kind, amount, make_customer):
    ada = make_customer()
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(account=ada.account, kind=kind, amount=amount, at=ada.date_joined)


def test_a_ledger_entry_is_neither_edited_nor_deleted(make_customer):
    make_customer(credit=5)
    entry = LedgerEntry.objects.get()
    for change in (
        entry.save,
        entry.delete,
        LedgerEntry.objects.all().delete,
        lambda: LedgerEntry.objects.update(amount=F("amount") + 1),
    ):
        with pytest.raises(TypeError, match="never"):
            change()
    assert LedgerEntry.objects.get().amount == 5


def test_a_customer_without_books_can_be_deleted(make_customer):
    ada = make_customer()
    customers.delete(customer_id=ada.pk, by=None)
    assert not Customer.objects.exists()
    assert not Account.objects.exists()


def test_a_customer_with_a_ledger_or_a_subscription_cannot(make_customer):
    rich, busy = make_customer("rich", credit=1), make_customer("busy")
    subscriptions.create(customer=busy, name="VM", price=1, isactive=True, by=None)
    for customer in (rich, busy):
        with pytest.raises(StillHasBooks):
            customers.delete(customer_id=customer.pk, by=None)
    assert Account.objects.count() == 2


def test_an_account_set_aside_changes_nothing_until_it_is_retried(make_customer):
    ada = make_customer()
    accounts.set_aside(customer_id=ada.pk, error="first")
    accounts.set_aside(customer_id=ada.pk, error="second")
    with pytest.raises(AccountSetAside):
        accounts.top_up(customer_id=ada.pk, amount=1, by=None)
    assert ada.account.set_aside.error == "first"
    accounts.retry(customer_id=ada.pk)
    assert accounts.top_up(customer_id=ada.pk, amount=1, by=None) == 1


@pytest.mark.parametrize("amount", [1.5, 1.0, "5", True, None])
def test_money_that_is_no_whole_number_is_refused(make_customer, amount):
    ada = make_customer(credit=100)
    for change in (accounts.top_up, lambda **said: accounts.adjust(reason="a test", **said)):
        with pytest.raises(TypeError):
            change(customer_id=ada.pk, amount=amount, by=None)
    with pytest.raises(TypeError):
        subscriptions.create(customer=ada, name="VM", price=amount, isactive=True, by=None)
    assert Customer.objects.get().credit == 100
