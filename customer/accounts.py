"""The one door to an account, and what goes through it here: top-ups and adjustments.

Amounts are integers in the smallest unit of money; instants are UTC.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import DataError, OperationalError, connection, models, transaction
from django.utils.translation import gettext_lazy as _

from customer import clock
from customer.errors import AccountBroken, AccountBusy, AccountSetAside, CreditTooLow, DepositLimit
from customer.models import Account, Customer, LedgerEntry, SetAside
from customer.signals import account_changed, account_opened

logger = logging.getLogger(__name__)

MAX_DEPOSITED = 2**63 - 1
LOCK_NOT_AVAILABLE = "55P03"

# The ORM takes three times as long to write its own statements for these, which every change of an account begins with
# and every change of a credit is. On SQLite the transaction has locked the database.
LOCK = """
    SELECT account.*, EXISTS (SELECT 1 FROM customer_setaside WHERE account_id = account.customer_id) AS is_set_aside
    FROM customer_account account
    WHERE customer_id = %s
"""
MOVE = """
    UPDATE customer_account SET credit = credit + %s, deposited = deposited + %s
    WHERE customer_id = %s AND deposited <= %s AND credit >= %s
    RETURNING customer_id, credit
"""


class Event(models.TextChoices):
    """What can happen to an account; pauses and resumes are recorded with it."""

    CREATION = "creation", _("Creation")
    ACTIVATION = "activation", _("Activation")
    DEACTIVATION = "deactivation", _("Deactivation")
    DELETION = "deletion", _("Deletion")
    PRICE_CHANGE = "price_change", _("Price Change")
    TOP_UP = "top_up", _("Top Up")
    ADJUSTMENT = "adjustment", _("Adjustment")
    CHARGE = "charge", _("Charge")
    REPAIR = "repair", _("Repair")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An account behind its open door: locked, settled up to `at`, and about to see `event`, done by `by`."""

    customer_id: int
    at: datetime
    event: Event
    by: Customer | None


_opened: ContextVar[Opened | None] = ContextVar("opened", default=None)


def opened() -> Opened | None:
    """The account whose door is open here, if any."""
    return _opened.get()


@contextmanager
def door(
    customer_id: int, *, event: Event, by: Customer | None = None, patience: int | None = None
) -> Iterator[Opened]:
    """Opens an account for `event`: one transaction, one lock, one instant, from the first statement to the commit.

    What is due at that instant is billed first; on leaving, the jobs follow what has changed. Opened again inside,
    the same account is the same door.

    Raises Account.DoesNotExist; AccountSetAside where the account cannot be billed; AccountBusy where others keep it
    locked for `patience` seconds, if any are given; RuntimeError where another account's door is open.
    """
    outer = _opened.get()
    if outer is not None:
        if outer.customer_id != customer_id:
            raise RuntimeError(
                f"The door of account {outer.customer_id} is open: leave it before you open account {customer_id}'s."
            )
        with transaction.atomic(), _through(replace(outer, event=event, by=by)) as inner:
            yield inner
        return
    try:
        settled = False
        while not settled:  # each turn is a transaction: slices of a very late settlement, the event with the last
            with transaction.atomic():
                here = Opened(customer_id=customer_id, at=_lock(customer_id, patience), event=event, by=by)
                settled = all(done for _, done in account_opened.send(Account, opened=here))
                if settled:
                    with _through(here):
                        yield here
    except AccountBroken as broken:
        set_aside(customer_id=broken.customer_id, error=broken.fault)
        raise AccountSetAside from broken
    except OperationalError as error:
        if patience is None or not _waited_in_vain(error):
            raise
        raise AccountBusy from error


def _waited_in_vain(error: OperationalError) -> bool:
    """Whether somebody else kept a lock for too long: on SQLite, for the timeout of its settings."""
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "database is locked" in str(error)


def _lock(customer_id: int, patience: int | None) -> datetime:
    """Locks the account's row and returns its time: the clock's, but never before what it is settled up to."""
    if patience is not None and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience}s"])
    lock = LOCK + ("FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else "")
    try:
        found = list(Account.objects.raw(lock, [customer_id]))
        if not found:
            raise Account.DoesNotExist
        (account,) = found
        at = max(clock.now(), account.settled_until)
    except (DataError, TypeError) as error:
        raise AccountBroken(customer_id, f"its row cannot be read: {error}") from error
    # The row may be gone since the statement began, which saw it and then waited for the lock.
    if account.is_set_aside and SetAside.objects.filter(pk=customer_id).exists():
        raise AccountSetAside
    return at


@contextmanager
def _through(here: Opened) -> Iterator[Opened]:
    """Inside the door; on leaving it in peace, the change is announced."""
    token = _opened.set(here)
    try:
        yield here
        account_changed.send(Account, opened=here)
    finally:
        _opened.reset(token)


def top_up(*, customer_id: int, amount: int, by: Customer | None, reason: str = "") -> int:
    """Adds `amount` ≥ 1 to the credit, which is returned. Raises DepositLimit, AccountSetAside."""
    with door(customer_id, event=Event.TOP_UP, by=by) as here:
        return _enter(here, LedgerEntry.Kind.TOP_UP, amount, reason)


def adjust(*, customer_id: int, amount: int, by: Customer | None, reason: str) -> int:
    """Moves the credit by `amount` ≠ 0 for `reason`, and returns it.

    Raises CreditTooLow, DepositLimit, AccountSetAside.
    """
    with door(customer_id, event=Event.ADJUSTMENT, by=by) as here:
        return _enter(here, LedgerEntry.Kind.ADJUSTMENT, amount, reason)


def _enter(here: Opened, kind: LedgerEntry.Kind, amount: int, reason: str) -> int:
    """Moves the credit of the open account together with the ledger entry that says why; returns the credit."""
    if type(amount) is not int:
        raise TypeError(f"Money is a whole number in its smallest unit, not {amount!r}.")
    deposit = max(amount, 0)
    moved = list(Account.objects.raw(MOVE, [amount, deposit, here.customer_id, MAX_DEPOSITED - deposit, -amount]))
    if not moved:
        raise DepositLimit if deposit else CreditTooLow
    (account,) = moved
    LedgerEntry.objects.create(account=account, kind=kind, amount=amount, at=here.at, by=here.by, reason=reason)
    return account.credit


def set_aside(*, customer_id: int, error: str) -> None:
    """Closes the account to billing and to changes until it is retried. The first error stands."""
    logger.error("Account %d is set aside: %s", customer_id, error)
    SetAside.objects.bulk_create(
        [SetAside(account_id=customer_id, error=error, since=clock.now())], ignore_conflicts=True
    )


def retry(*, customer_id: int) -> None:
    """Opens an account that was set aside, once it is repaired; a scheduler then bills it as if it had been late."""
    SetAside.objects.filter(account_id=customer_id).delete()


def credit(here: Opened) -> int:
    """What the open account holds now."""
    return Account.objects.values_list("credit", flat=True).get(pk=here.customer_id)
