from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from subscription.models import Pause, Subscription
from subscription_task.http.fields import MoneyField, SwitchField


class CreationSerializer(serializers.Serializer):
    """What a customer orders."""

    name = serializers.CharField(max_length=32)
    price = MoneyField(least=1)
    isactive = SwitchField(default=True)


class ActivationSerializer(serializers.Serializer):
    """On or off."""

    isactive = SwitchField()


class SubscriptionSerializer(serializers.ModelSerializer):
    """A subscription, as its customer sees it."""

    price = MoneyField(read_only=True)
    next_invoice_at = serializers.DateTimeField(read_only=True, allow_null=True)
    paused_because = serializers.ChoiceField(Pause.Reason.choices, read_only=True, allow_null=True)

    class Meta:
        model = Subscription
        fields = ("id", "name", "price", "period", "isactive", "created_at", "next_invoice_at", "paused_because")
        read_only_fields = fields


class SubscriptionQuestionSerializer(serializers.Serializer):
    """Which subscriptions are asked for."""

    active = SwitchField(default=None, help_text="Those that are switched on, or those that are off.")
    isactive = SwitchField(default=None, help_text="The same as `active`.")
    paused = SwitchField(
        default=None, help_text="Those that are paused, switched off or short of credit, or those that run."
    )
    name = serializers.CharField(
        max_length=32, default=None, help_text="Those whose name has this in it, in upper or lower case."
    )

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        isactive = said.pop("isactive")
        if None not in (said["active"], isactive) and said["active"] != isactive:
            raise serializers.ValidationError({"isactive": [_("Must be the same as `active`.")]})
        return said | {"active": said["active"] if isactive is None else isactive}
