"""Registering customers, and deleting those who leave no books."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext_lazy as _

from customer import accounts
from customer.errors import StillHasBooks, UsernameTaken, WrongPassword
from customer.models import Account, Customer, fold


def register(*, username: str, password: str, first_name: str = "", last_name: str = "", credit: int = 0) -> Customer:
    """The new customer, whose account holds `credit`. Raises UsernameTaken."""
    customer = Customer(
        username=Customer.normalize_username(username),
        password=make_password(password),  # slow, so before the transaction
        first_name=first_name,
        last_name=last_name,
    )
    return add(customer, credit=credit)


def add(customer: Customer, *, credit: int = 0) -> Customer:
    """Saves a new customer with an account that holds `credit`. Raises UsernameTaken."""
    with _one_of_its_name(customer):
        return Customer.objects.add(customer, credit=credit)


def save(customer: Customer) -> None:
    """Saves what was changed about a customer, perhaps the name, and nothing else. Raises UsernameTaken."""
    with _one_of_its_name(customer), transaction.atomic():
        customer.save()


def change_password(customer: Customer, *, old: str, new: str) -> None:
    """Gives a customer another password, which ends all tokens and sessions. Raises WrongPassword."""
    if not customer.check_password(old):
        raise WrongPassword
    checked = customer.password  # perhaps hashed anew by the check
    customer.set_password(new)
    if not Customer.objects.filter(pk=customer.pk, password=checked).update(password=customer.password):
        raise WrongPassword  # somebody else has just changed it


def delete(*, customer_id: int, by: Customer | None) -> None:
    """Deletes a customer with an account that was never used. Raises StillHasBooks, AccountSetAside."""
    try:
        with accounts.door(customer_id, event=accounts.Event.DELETION, by=by):
            Account.objects.get(pk=customer_id).delete()
            Customer.objects.get(pk=customer_id).delete()
    except ProtectedError as error:
        raise StillHasBooks(_("A customer with ledger entries or subscriptions stays.")) from error


@contextmanager
def _one_of_its_name(customer: Customer) -> Iterator[None]:
    """Translates the database's refusal of a second customer with that name."""
    try:
        yield
    except IntegrityError:
        namesakes = Customer.objects.filter(username_folded=fold(customer.username)).exclude(pk=customer.pk)
        if namesakes.exists():
            raise UsernameTaken from None
        raise
