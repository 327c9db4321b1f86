"""What operators look at, written by schedulers beside billing: who bills, and how the whole stands.

All of it can be thrown away: it is measured anew. Nothing here refers to other tables, so that they owe it nothing.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SchedulerProcess(models.Model):
    """A process that bills, as it said itself when it was last seen."""

    class State(models.TextChoices):
        BILLS = "bills", _("bills")
        STANDS_BY = "stands_by", _("stands by")
        FAILS = "fails", _("fails")

    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State)
    passes = models.BigIntegerField(help_text="Those that billed something, since the start.")
    invoices = models.BigIntegerField()
    seconds = models.FloatField(help_text="What the passes took in all.")
    failures = models.BigIntegerField()
    up_to = models.JSONField(help_text="How many passes took at most so many seconds: invoice.work.BOUNDS, then all.")
    last_at = models.DateTimeField(null=True)
    last_invoices = models.BigIntegerField()
    last_seconds = models.FloatField()

    class Meta:
        verbose_name = _("scheduler process")
        verbose_name_plural = _("scheduler processes")
        constraints = [
            models.UniqueConstraint(fields=["host", "pid", "started_at"], name="scheduler_process_once"),
        ]

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


class Sample(models.Model):
    """How all subscriptions stood at an instant."""

    at = models.DateTimeField(unique=True)
    seconds = models.FloatField(help_text="What it took to look.")
    running = models.BigIntegerField()
    deactivated = models.BigIntegerField()
    insufficient_credit = models.BigIntegerField()
    set_aside = models.BigIntegerField(help_text="Accounts.")
    backlog = models.BigIntegerField(help_text="Jobs that were due.")
    lag = models.FloatField(help_text="The seconds for which the oldest of them had been due.")
    per_day = models.DecimalField(
        max_digits=38, decimal_places=0, help_text="What the running subscriptions come to in a day."
    )

    class Meta:
        verbose_name = _("sample")
        verbose_name_plural = _("samples")

    def __str__(self) -> str:
        return f"{self.running} running at {self.at:%Y-%m-%d %H:%M}"


class RunsDry(models.Model):
    """An account that will be short of credit before others are."""

    customer_id = models.BigIntegerField(primary_key=True)
    username = models.CharField(max_length=150)
    credit = models.BigIntegerField()
    per_day = models.DecimalField(max_digits=38, decimal_places=0)
    at = models.DateTimeField(
        help_text="When its first subscription pauses for want of credit, if nobody does anything."
    )

    class Meta:
        verbose_name = _("account that runs dry")
        verbose_name_plural = _("accounts that run dry")

    def __str__(self) -> str:
        return f"{self.username} at {self.at:%Y-%m-%d %H:%M}"


class Flapping(models.Model):
    """A subscription that was switched off and on again around instants of its grid, again and again."""

    subscription_id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=32)
    customer_id = models.BigIntegerField()
    times = models.IntegerField(help_text="In the last day.")
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("subscription that flaps")
        verbose_name_plural = _("subscriptions that flap")

    def __str__(self) -> str:
        return f"{self.name} ({self.subscription_id}), {self.times} times"
