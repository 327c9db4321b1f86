"""Who pays: a customer, the account that holds the money, and the ledger that says where it came from."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import acheck_password, check_password, make_password
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customer import clock
from subscription_task.formats import numbers


def fold(username: str) -> str:
    """The form in which two usernames are the same name: NFKC, casefolded, and NFKC again (Unicode D145)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())


_UNREAD = object()


class FoldedUsernameField(models.CharField):
    """The username without regard to case; it follows `username` whenever the row is written."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        folded = fold(model_instance.username)
        setattr(model_instance, self.attname, folded)
        return folded


class CustomerQuerySet(models.QuerySet):
    """Makes each customer with an account, however it is made: `create`, `get_or_create`, `create_user`."""

    def add(self, customer: "Customer", *, credit: int = 0) -> "Customer":
        """Saves a new customer whose password is hashed already, with an account that holds `credit` as of now."""
        with transaction.atomic():
            customer.save(force_insert=True, using=self.db)
            now = clock.now()
            account = Account.objects.create(customer=customer, credit=credit, deposited=credit, settled_until=now)
            if credit:
                LedgerEntry.objects.create(
                    account=account, kind=LedgerEntry.Kind.REGISTRATION, amount=credit, at=now, by=customer
                )
        return customer

    def create(self, **fields: Any) -> "Customer":
        return self.add(self.model(**fields))


class CustomerManager(UserManager.from_queryset(CustomerQuerySet)):
    """Finds customers without regard to case."""

    def get_by_natural_key(self, username: str) -> "Customer":
        return self.get(username_folded=fold(username))

    def _create_user(self, username: str, email: str, password: str | None, **fields: Any) -> "Customer":
        return self.add(self._create_user_object(username, email, password, **fields))

    async def _acreate_user(self, *args: Any, **fields: Any) -> "Customer":
        return await sync_to_async(self._create_user)(*args, **fields)


class Customer(AbstractUser):
    """Somebody who pays, and may log in while `is_active`. Operators are customers with `is_staff`."""

    # Casefolding can lengthen a name: "ΐ" becomes three characters.
    username_folded = FoldedUsernameField(max_length=500, unique=True, editable=False)

    objects = CustomerManager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    _read: Mapping[str, Any] = MappingProxyType({})  # the columns as they were when the row was read or written

    @classmethod
    def from_db(cls, db: str, field_names: Sequence[str], values: Sequence[Any]) -> "Customer":
        customer = super().from_db(db, field_names, values)
        customer._read = customer._values()
        return customer

    def refresh_from_db(self, using: str | None = None, fields: Iterable[str] | None = None, **options: Any) -> None:
        super().refresh_from_db(using=using, fields=fields, **options)
        now = self._values()
        self._read = now if fields is None else {**self._read, **{name: now[name] for name in fields if name in now}}

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Writes what was changed since the row was read: the rest may have been changed by others."""
        if update_fields is None and not self._state.adding:
            update_fields = [name for name, value in self._values().items() if self._read.get(name, _UNREAD) != value]
        if update_fields is not None and "username" in update_fields:
            update_fields = {*update_fields, "username_folded"}
        super().save(update_fields=update_fields, **options)
        now = self._values()
        self._read = now if update_fields is None else {**self._read, **{name: now[name] for name in update_fields}}

    def check_password(self, raw_password: str | None) -> bool:
        return check_password(raw_password, self.password, self._hash_anew)

    async def acheck_password(self, raw_password: str | None) -> bool:
        return await acheck_password(raw_password, self.password, sync_to_async(self._hash_anew))

    def _hash_anew(self, raw_password: str) -> None:
        """Keeps a checked password by today's hasher, unless it has been changed since the row was read."""
        hashed = make_password(raw_password)
        if Customer.objects.filter(pk=self.pk, password=self.password).update(password=hashed):
            self.password = hashed
            self._read = {**self._read, "password": hashed}

    def _values(self) -> dict[str, Any]:
        """What is known of the row beside its key, by column."""
        return {
            field.attname: self.__dict__[field.attname]
            for field in self._meta.concrete_fields
            if field.attname in self.__dict__ and not field.primary_key
        }

    @property
    def credit(self) -> int:
        """What the customer has left, in the smallest unit of money."""
        return self.account.credit


class Account(models.Model):
    """A customer's money. Its row is the lock of everything below it; only `accounts.door` opens it."""

    customer = models.OneToOneField(
        Customer, models.PROTECT, verbose_name=_("customer"), primary_key=True, related_name="account"
    )
    credit = models.BigIntegerField(_("credit"), default=0)
    settled_until = models.DateTimeField(_("settled until"))
    deposited = models.BigIntegerField(
        _("deposited"), default=0, help_text=_("All that was ever put in: the positive ledger entries.")
    )
    invoice_count = models.BigIntegerField(_("invoice count"), default=0)
    invoice_total = models.BigIntegerField(_("invoice total"), default=0)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        permissions = [
            ("top_up_account", "Can top up an account"),
            ("adjust_account", "Can adjust the credit of an account"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(credit__gte=0), name="account_credit_not_negative"),
            models.CheckConstraint(condition=Q(deposited__gte=0), name="account_deposited_not_negative"),
            models.CheckConstraint(condition=Q(invoice_count__gte=0), name="account_invoice_count_not_negative"),
            models.CheckConstraint(condition=Q(invoice_total__gte=0), name="account_invoice_total_not_negative"),
        ]

    def __str__(self) -> str:
        return gettext("account %(id)s") % {"id": self.customer_id}


class SetAside(models.Model):
    """An account that cannot be billed: out of every pass, and closed to changes, until an operator retries it."""

    account = models.OneToOneField(
        Account, models.CASCADE, verbose_name=_("account"), primary_key=True, related_name="set_aside"
    )
    error = models.TextField(_("error"))
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("account set aside")
        verbose_name_plural = _("accounts set aside")
        permissions = [
            ("retry_setaside", "Can retry an account set aside"),
            ("repair_setaside", "Can repair an account set aside"),
        ]

    def __str__(self) -> str:
        return gettext("account %(id)s") % {"id": self.account_id}


class LoginCounter(models.Model):
    """How often logins failed, or from where one succeeded, `until` a second of Unix time; see customer.throttling."""

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField()
    until = models.BigIntegerField(db_index=True)

    class Meta:
        default_permissions = ()  # nobody's to look at

    def __str__(self) -> str:
        return self.key


class AppendOnlyQuerySet(models.QuerySet):
    """Rows of the books, which are written once and never changed."""

    def update(self, **changes: Any) -> int:
        raise TypeError(f"{self.model.__name__} rows are never edited: write an adjustment instead.")

    def delete(self) -> Any:
        raise TypeError(f"{self.model.__name__} rows are never deleted: write an adjustment instead.")


class AppendOnly(models.Model):
    """A model of the books. Django would let a row be saved twice or deleted; this does not."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} rows are never edited: write an adjustment instead.")
        super().save(**options)

    def delete(self, **options: Any) -> Any:
        raise TypeError(f"{type(self).__name__} rows are never deleted: write an adjustment instead.")


class LedgerEntry(AppendOnly):
    """Why a credit moved, other than by an invoice."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("Registration")
        TOP_UP = "top_up", _("Top Up")
        ADJUSTMENT = "adjustment", _("Adjustment")

    # The index below begins with the foreign key's column, so the key needs none of its own.
    account = models.ForeignKey(
        Account, models.PROTECT, verbose_name=_("account"), related_name="ledger", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    amount = models.BigIntegerField(_("amount"), help_text=_("Added to the credit, in the smallest unit of money."))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("by"), null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        indexes = [models.Index(fields=["account", "id"], name="ledger_entry_of_account")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="adjustment") & ~Q(amount=0) | Q(kind__in=["registration", "top_up"], amount__gt=0),
                name="ledger_entry_sign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {numbers.change(self.amount)}"


class IdempotencyKey(models.Model):
    """A request that a customer may send again, and what it was answered."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=255)
    body = models.CharField(max_length=64, help_text=_("SHA-256 of what the body said."))
    status = models.PositiveSmallIntegerField()
    answer = models.TextField(help_text=_("JSON, in the order in which it was answered."))

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [models.UniqueConstraint(fields=["customer", "key"], name="idempotency_key_once_per_customer")]

    def __str__(self) -> str:
        return f"{self.key} of {self.customer_id}"
