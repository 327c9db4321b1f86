"""What is paid for: subscriptions, the pauses of their jobs, and the prices they had."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_apscheduler.models import DjangoJob

from customer.accounts import Event
from subscription_task.formats import numbers, times


class SubscriptionQuerySet(models.QuerySet):
    def of(self, customer: models.Model) -> "SubscriptionQuerySet":
        """Those of one customer."""
        return self.filter(customer=customer)

    def with_next_invoice(self) -> "SubscriptionQuerySet":
        """Each with `next_invoice_at`, the next run time of its job: None while that is paused."""
        return self.annotate(next_invoice_at=Subquery(_job().values("next_run_time")[:1]))

    def with_job(self) -> "SubscriptionQuerySet":
        """Those that have a job, with `next_invoice_at`."""
        return self.with_next_invoice().filter(Exists(_job()))


def _job() -> models.QuerySet:
    return DjangoJob.objects.filter(pk=Cast(OuterRef("pk"), models.CharField()))


class Subscription(models.Model):
    """Something that costs `price` every `period`, while it is active and the credit covers it."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="subscriptions"
    )
    name = models.CharField(_("name"), max_length=32)
    price = models.BigIntegerField(_("price"), help_text=_("In the smallest unit of money."))
    period = models.PositiveIntegerField(_("period"), help_text=_("The seconds that an invoice covers."))
    isactive = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), help_text=_("Floored to the second, the anchor of the grid."))

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        permissions = [
            ("switch_subscription", "Can activate and deactivate subscriptions"),
            ("change_price", "Can change the price of a subscription"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=1), name="subscription_price_positive"),
            models.CheckConstraint(
                condition=Q(period__gte=1, period__lte=31_536_000), name="subscription_period_in_range"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="subscription_name_not_blank"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    @property
    def paused_because(self) -> str | None:
        """Why the job is paused, if it is; needs `next_invoice_at`."""
        if self.next_invoice_at is not None:
            return None
        return Pause.Reason.INSUFFICIENT_CREDIT if self.isactive else Pause.Reason.DEACTIVATED


class Pause(models.Model):
    """The grid's instants from `withheld_from` up to, not including, `restored_from` are never billed."""

    class Reason(models.TextChoices):
        DEACTIVATED = "deactivated", _("Deactivated")
        INSUFFICIENT_CREDIT = "insufficient_credit", _("Insufficient Credit")

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, verbose_name=_("subscription"), related_name="pauses"
    )
    withheld_from = models.DateTimeField(_("withheld from"))
    paused_at = models.DateTimeField(_("paused at"))
    paused_because = models.CharField(_("paused because"), max_length=20, choices=Reason)
    paused_on = models.CharField(_("paused on"), max_length=16, choices=Event)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("paused by"), null=True, related_name="+"
    )
    restored_from = models.DateTimeField(_("restored from"), null=True)
    resumed_at = models.DateTimeField(_("resumed at"), null=True)
    resumed_on = models.CharField(_("resumed on"), max_length=16, choices=Event, blank=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("resumed by"), null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"], condition=Q(restored_from=None), name="pause_one_open_per_subscription"
            ),
            models.CheckConstraint(
                condition=Q(restored_from=None) | Q(restored_from__gte=F("withheld_from")),
                name="pause_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(restored_from=None, resumed_at=None, resumed_on="")
                | Q(restored_from__isnull=False, resumed_at__gte=F("paused_at")) & ~Q(resumed_on=""),
                name="pause_resumed_wholly_or_not",
            ),
        ]

    def __str__(self) -> str:
        return gettext("pause of %(id)s from %(time)s") % {
            "id": self.subscription_id,
            "time": times.text(self.withheld_from),
        }


class PriceChange(models.Model):
    """From `at` on the price is `price`; before, it was `previous`. What an invoice's amount is proved with."""

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, verbose_name=_("subscription"), related_name="price_changes"
    )
    at = models.DateTimeField(_("at"))
    previous = models.BigIntegerField(_("previous"))
    price = models.BigIntegerField(_("price"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("by"), null=True, related_name="+")

    class Meta:
        verbose_name = _("price change")
        verbose_name_plural = _("price changes")
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=1, previous__gte=1), name="price_change_positive"),
        ]

    def __str__(self) -> str:
        return gettext("%(previous)s to %(price)s") % {
            "previous": numbers.money(self.previous),
            "price": numbers.money(self.price),
        }


def anchor(created_at: datetime) -> datetime:
    """The grid's anchor: the creation, floored to the second."""
    return created_at.replace(microsecond=0)
