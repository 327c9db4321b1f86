"""What the API tells of invoices: why a subscription stands as it does, the statement, and what is to come."""

from typing import Any

from django.db.models import Count, Sum
from rest_framework import serializers

from customer.accounts import Event
from customer.models import Account
from invoice.models import Invoice
from invoice.outlook import FIRST, Outlook
from subscription.models import Pause, Subscription
from subscription.serializers import SubscriptionSerializer
from subscription_task.http.fields import MoneyField, WholeField

PAUSES = 100
"""How many of a subscription's latest pauses are told."""
KINDS = ("registration", "top_up", "adjustment", "invoice")
MOST_DAYS = 3660


class _EventField(serializers.ChoiceField):
    """What happened; null where nothing has yet."""

    def __init__(self) -> None:
        super().__init__(Event.choices, read_only=True, allow_null=True)

    def to_representation(self, value: str) -> str | None:
        return value or None


class PauseSerializer(serializers.ModelSerializer):
    """Instants that are not billed: from `withheld_from` up to, not including, `restored_from`; null while it lasts."""

    resumed_on = _EventField()

    class Meta:
        model = Pause
        fields = (
            *("paused_at", "paused_because", "paused_on", "withheld_from"),
            *("resumed_at", "resumed_on", "restored_from"),
        )
        read_only_fields = fields


class ReasonsSerializer(SubscriptionSerializer):
    """A subscription, why it stands as it does, and what it has cost."""

    paused_since = serializers.DateTimeField(read_only=True, allow_null=True)
    credit_missing = MoneyField(read_only=True, help_text="What the credit lacks of its price.")
    number_of_invoices = serializers.IntegerField(read_only=True, min_value=0)
    total_cost_amount = MoneyField(read_only=True)
    pauses = PauseSerializer(many=True, read_only=True, help_text=f"The latest {PAUSES}, newest first.")

    class Meta(SubscriptionSerializer.Meta):
        fields = (
            *SubscriptionSerializer.Meta.fields,
            *("paused_since", "credit_missing", "number_of_invoices", "total_cost_amount", "pauses"),
        )
        read_only_fields = fields


def reasons(subscription: Subscription) -> dict[str, Any]:
    """What ReasonsSerializer shows of a subscription with its `next_invoice_at`."""
    pauses = list(subscription.pauses.order_by("-id")[:PAUSES])
    billed = Invoice.objects.filter(subscription=subscription).aggregate(count=Count("pk"), total=Sum("amount"))
    credit = Account.objects.values_list("credit", flat=True).get(pk=subscription.customer_id)
    return {
        **{name: getattr(subscription, name) for name in SubscriptionSerializer.Meta.fields},
        "paused_since": pauses[0].paused_at if subscription.paused_because and pauses else None,
        "credit_missing": max(subscription.price - credit, 0),
        "number_of_invoices": billed["count"],
        "total_cost_amount": billed["total"] or 0,
        "pauses": pauses,
    }


class LineSerializer(serializers.Serializer):
    """A ledger entry or an invoice. An invoice's `amount` is below 0, and `at` its start_time."""

    kind = serializers.ChoiceField(KINDS)
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    amount = serializers.IntegerField(help_text="What it added to the credit; below 0, what it took.")
    balance = MoneyField(help_text="The credit after it.")
    subscription = serializers.IntegerField(source="subscription_id", allow_null=True)
    end_time = serializers.DateTimeField(source="until", allow_null=True)


class StatementSerializer(serializers.Serializer):
    """Lines, newest first; `next` are older ones."""

    credit = MoneyField()
    entries = LineSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ForecastRequestSerializer(serializers.Serializer):
    """What is asked of a forecast."""

    credit = MoneyField(default=0, help_text="What a top-up would bring now.")
    days = WholeField(least=1, most=MOST_DAYS, default=365, help_text="How far ahead.")


class ComingSerializer(serializers.Serializer):
    """An invoice that is to come."""

    subscription = serializers.IntegerField(source="subscription_id")
    amount = MoneyField()
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()


class StopSerializer(serializers.Serializer):
    """A subscription that pauses for want of credit; `withheld_from` is its first instant that is not billed."""

    subscription = serializers.IntegerField(source="subscription_id")
    at = serializers.DateTimeField()
    withheld_from = serializers.DateTimeField()


class ProspectSerializer(serializers.Serializer):
    """A subscription, and its invoices to come."""

    id = serializers.IntegerField(source="subscription_id")
    name = serializers.CharField()
    price = MoneyField()
    next_invoice_at = serializers.DateTimeField(allow_null=True)
    number_of_invoices = serializers.IntegerField(source="invoices")
    total_cost_amount = MoneyField(source="amount")


class CourseSerializer(serializers.Serializer):
    """What comes up to `until`, if nothing happens to the account."""

    credit = MoneyField(help_text="What it begins with, once what is due now is billed.")
    number_of_invoices = serializers.IntegerField(source="invoices")
    total_cost_amount = MoneyField(source="amount")
    credit_left = MoneyField(source="left")
    runs_out_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the first subscription pauses for want of credit; null where none does up to `until`, also"
        " where all are paused already.",
    )
    pauses = StopSerializer(many=True, help_text="In their order.")


class ForecastSerializer(CourseSerializer):
    """The course with the top-up that was asked about, if any, and the one without."""

    at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    resumes = serializers.ListField(
        child=serializers.IntegerField(), help_text="Which subscriptions the top-up resumes."
    )
    subscriptions = ProspectSerializer(many=True, source="prospects")
    invoices = ComingSerializer(many=True, source="first", help_text=f"The first {FIRST}.")
    without_top_up = CourseSerializer(allow_null=True)


def forecast(course: Outlook, without: Outlook | None) -> dict[str, Any]:
    """What ForecastSerializer shows."""
    shown = ForecastSerializer(
        {
            **{name: getattr(course, name) for name in vars(course)},
            "invoices": course.invoices,
            "amount": course.amount,
            "runs_out_at": course.runs_out_at,
            "resumes": [each.subscription_id for each in course.resumed],
            "without_top_up": without,
        }
    )
    return shown.data
