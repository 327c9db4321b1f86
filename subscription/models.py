"""What is paid for: subscriptions, the pauses of their jobs, and the prices they had."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast
from django_apscheduler.models import DjangoJob

from customer.accounts import Event


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

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="subscriptions")
    name = models.CharField(max_length=32)
    price = models.BigIntegerField(help_text="In the smallest unit of money.")
    period = models.PositiveIntegerField(help_text="The seconds that an invoice covers.")
    isactive = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(help_text="Floored to the second, the anchor of the grid.")

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
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
        DEACTIVATED = "deactivated"
        INSUFFICIENT_CREDIT = "insufficient_credit"

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="pauses")
    withheld_from = models.DateTimeField()
    paused_at = models.DateTimeField()
    paused_because = models.CharField(max_length=20, choices=Reason)
    paused_on = models.CharField(max_length=16, choices=Event)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    restored_from = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)
    resumed_on = models.CharField(max_length=16, choices=Event, blank=True)
    resumed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
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
        return f"pause of {self.subscription_id} from {self.withheld_from:%Y-%m-%d %H:%M:%S}"


class PriceChange(models.Model):
    """From `at` on the price is `price`; before, it was `previous`. What an invoice's amount is proved with."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="price_changes")
    at = models.DateTimeField()
    previous = models.BigIntegerField()
    price = models.BigIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=1, previous__gte=1), name="price_change_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.previous} to {self.price}"


def anchor(created_at: datetime) -> datetime:
    """The grid's anchor: the creation, floored to the second."""
    return created_at.replace(microsecond=0)
