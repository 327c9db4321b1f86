from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from invoice.models import Invoice
from subscription_task.http.fields import MoneyField, WholeField
from subscription_task.http.parameters import RangeSerializer


class InvoiceSerializer(serializers.ModelSerializer):
    """One charge; `customer` and `subscription` are ids."""

    amount = MoneyField(read_only=True)

    class Meta:
        model = Invoice
        fields = ("id", "customer", "subscription", "amount", "start_time", "end_time")
        read_only_fields = fields


class InvoiceQuestionSerializer(RangeSerializer):
    """Which invoices are asked for."""

    subscription = WholeField(least=1, default=None, help_text="Those of this subscription, by its id.")
    amount = MoneyField(default=None, help_text="Those of just this amount.")
    amount_min = MoneyField(default=None, help_text="Those of this amount or more.")
    amount_max = MoneyField(default=None, help_text="Those of this amount or less.")

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """What invoices.Question takes."""
        said = super().validate(said)
        least, most, amount = said["amount_min"], said["amount_max"], said["amount"]
        if least is not None and most is not None and least > most:
            raise serializers.ValidationError({"amount_min": [_("Must not be more than `amount_max`.")]})
        return {
            **{name: said[name] for name in ("subscription", "since", "until")},
            "least": max((each for each in (least, amount) if each is not None), default=None),
            "most": min((each for each in (most, amount) if each is not None), default=None),
        }


class StatisticsQuestionSerializer(RangeSerializer):
    """What is counted, and how."""

    group_by = serializers.ChoiceField(
        ("hour", "day", "month", "subscription"),
        default=None,
        help_text="Adds `series`: the same numbers for each hour, day or month of `tz`, or for each subscription.",
    )


class SpanSerializer(serializers.Serializer):
    """An hour, a day or a month, with the zone's offset from UTC: from `start` up to, not including, `end`."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    number_of_invoices = serializers.IntegerField(min_value=0)
    total_cost_amount = MoneyField()


class ShareSerializer(serializers.Serializer):
    """A subscription, by its id, and what was charged for it."""

    subscription = serializers.IntegerField()
    name = serializers.CharField()
    number_of_invoices = serializers.IntegerField(min_value=0)
    total_cost_amount = MoneyField()


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="Group",
        serializers=[SpanSerializer, ShareSerializer],
        resource_type_field_name=None,
        many=True,
    )
)
class SeriesField(serializers.Field):
    """Groups in their order, whose numbers sum up to those of all; without it where none were asked for."""

    def to_representation(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return value


class CountSerializer(serializers.Serializer):
    """Invoices in two numbers."""

    number_of_invoices = serializers.IntegerField(min_value=0)
    total_cost_amount = MoneyField()


class StatisticsSerializer(CountSerializer):
    """Invoices in two numbers, and the same by groups where that was asked for."""

    series = SeriesField(
        required=False,
        help_text="Only with `group_by`: all groups in their order, also those without an invoice. The first and the"
        " last hour, day or month are cut at `from` and `to`; without these they are the whole ones of the first"
        " invoice and of now.",
    )


def kind_of_rows(group_by: str | None) -> type[serializers.Serializer]:
    """What shows one row of the statistics as a table."""
    return {None: CountSerializer, "subscription": ShareSerializer}.get(group_by, SpanSerializer)
