"""The charge: one invoice for each instant of a subscription's grid that was not withheld."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customer.models import AppendOnly, AppendOnlyQuerySet
from subscription.models import Subscription


class InvoiceQuerySet(AppendOnlyQuerySet):
    def of(self, customer: models.Model) -> "InvoiceQuerySet":
        """Those of one customer."""
        return self.filter(customer=customer)


class Invoice(AppendOnly):
    """What was taken from the credit for `start_time` up to `end_time`, in the smallest unit of money."""

    # Each index below begins with the foreign key's column, so the key needs none of its own.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="invoices", db_index=False
    )
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, verbose_name=_("subscription"), related_name="invoices", db_index=False
    )
    amount = models.BigIntegerField(_("amount"))
    start_time = models.DateTimeField(_("start time"))
    end_time = models.DateTimeField(_("end time"))

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        indexes = [models.Index(fields=["customer", "id"], name="invoice_of_customer")]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "start_time"], name="invoice_once_per_instant"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="invoice_amount_positive"),
            models.CheckConstraint(condition=Q(end_time__gt=F("start_time")), name="invoice_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return gettext("invoice %(id)s") % {"id": self.pk}


class Tally(models.Model):
    """What was charged for the instants of a minute, counted in the transactions that charged it.

    One row for each database connection that did, so that no pass waits for another; see invoice.tallies. What is some
    days old is kept by the hour.
    """

    minute = models.DateTimeField()
    writer = models.IntegerField(help_text=_("The database's number of the connection; 0 once they are one row."))
    invoices = models.BigIntegerField()
    # Wider than money: many accounts share the sum.
    amount = models.DecimalField(max_digits=38, decimal_places=0)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [models.UniqueConstraint(fields=["minute", "writer"], name="tally_one_per_minute_and_writer")]

    def __str__(self) -> str:
        return f"{self.invoices} invoices in {self.minute:%Y-%m-%d %H:%M}"


class Checked(models.Model):
    """What a `check_billing --record` found."""

    at = models.DateTimeField()
    seconds = models.FloatField(help_text=_("What it took."))
    faults = models.IntegerField()
    due = models.BigIntegerField(help_text=_("Instants that were due and not billed yet, which is no fault."))
    lines = models.JSONField(help_text=_("The first faults, as people read them."))

    class Meta:
        verbose_name = _("check")
        verbose_name_plural = _("checks")

    def __str__(self) -> str:
        return f"{self.faults} faults at {self.at:%Y-%m-%d %H:%M}"
