from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.serializers import TokenRefreshSerializer

from customer.models import Customer
from subscription_task.http.fields import MoneyField


class UsernameField(serializers.CharField):
    """A username by Django's rules, which hold for its normal form."""

    def to_internal_value(self, data: Any) -> str:
        return Customer.normalize_username(super().to_internal_value(data))


class RegistrationSerializer(serializers.Serializer):
    """What a new customer says."""

    username = UsernameField(max_length=150, validators=[Customer.username_validator])
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    credit = MoneyField(required=False, default=0)

    def validate_credit(self, credit: int) -> int:
        if credit and not settings.SELF_SERVICE_TOP_UP:
            raise serializers.ValidationError("Customers cannot add credit themselves here.")
        return credit

    def validate(self, attributes: dict) -> dict:
        names = {name: attributes[name] for name in ("username", "first_name", "last_name")}
        try:
            validate_password(attributes["password"], user=Customer(**names))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attributes


class CustomerSerializer(serializers.ModelSerializer):
    """A customer, as the customer sees it."""

    credit = MoneyField(read_only=True)

    class Meta:
        model = Customer
        fields = ("id", "username", "first_name", "last_name", "credit")


class RegisteredSerializer(serializers.Serializer):
    """The answer to a registration."""

    customer = CustomerSerializer()
    message = serializers.CharField()


class TopUpSerializer(serializers.Serializer):
    """What a customer adds."""

    credit = MoneyField(least=1, help_text="The amount to add.")


class CreditSerializer(serializers.Serializer):
    """The answer to a top-up."""

    credit = MoneyField(help_text="The new balance.")


class RefreshSerializer(TokenRefreshSerializer):
    """SimpleJWT 5.5 answers 500 where the token's customer is deleted."""

    def validate(self, attributes: dict) -> dict:
        try:
            return super().validate(attributes)
        except ObjectDoesNotExist:
            raise AuthenticationFailed(self.error_messages["no_active_account"], "no_active_account") from None
