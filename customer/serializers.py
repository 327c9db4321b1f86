from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer

from customer.models import Customer
from customer.tokens import RefreshToken
from subscription_task.http.fields import MoneyField

MAX_USERNAME = Customer._meta.get_field("username").max_length


class UsernameField(serializers.CharField):
    """A username by Django's rules, which hold for its normal form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_USERNAME, **options)

    def to_internal_value(self, data: Any) -> str:
        username = super().to_internal_value(data)
        # As Django's own form: one that is too long gets no shorter, and a hostile one could take minutes.
        return username if len(username) > MAX_USERNAME else Customer.normalize_username(username)


class RegistrationSerializer(serializers.Serializer):
    """What a new customer says."""

    username = UsernameField(validators=[Customer.username_validator])
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    credit = MoneyField(required=False, default=0)

    def validate_credit(self, credit: int) -> int:
        if credit and not settings.SELF_SERVICE_TOP_UP:
            raise serializers.ValidationError(_("Customers cannot add credit themselves here."))
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
        read_only_fields = fields


class ProfileSerializer(CustomerSerializer):
    """A customer, with the time of registration."""

    joined = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta(CustomerSerializer.Meta):
        fields = (*CustomerSerializer.Meta.fields, "joined")
        read_only_fields = fields


class PasswordChangeSerializer(serializers.Serializer):
    """The password that is, and the one that is to be."""

    old_password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    new_password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)

    def validate_new_password(self, password: str) -> str:
        try:
            validate_password(password, user=self.context["customer"])
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return password


class RegisteredSerializer(serializers.Serializer):
    """The answer to a registration."""

    customer = CustomerSerializer()
    message = serializers.CharField()


class TopUpSerializer(serializers.Serializer):
    """What a customer adds."""

    credit = MoneyField(least=1)


class CreditSerializer(serializers.Serializer):
    """The answer to a top-up."""

    credit = MoneyField(help_text="The new balance.")


class LoginSerializer(TokenObtainPairSerializer):
    """Who logs in. The password is taken to the letter, as it was at registration."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"] = serializers.CharField(max_length=MAX_USERNAME, write_only=True)
        self.fields["password"] = serializers.CharField(trim_whitespace=False, write_only=True)


class TokensSerializer(serializers.Serializer):
    """The answer to a login."""

    access = serializers.CharField(help_text="Sent as `Authorization: Bearer …`, for 30 minutes.")
    refresh = serializers.CharField(help_text="Gives new access tokens until it expires.")


class RefreshSerializer(TokenRefreshSerializer):
    """What a login gave to refresh its access token with."""

    access = None  # it belongs to the answer
    token_class = RefreshToken

    def validate(self, attributes: dict) -> dict:
        refresh = self.token_class(attributes["refresh"])
        # SimpleJWT's own goes on after a change of password, and fails for a customer that is deleted.
        JWTAuthentication().get_user(refresh)
        return {"access": str(refresh.access_token)}


class AccessSerializer(serializers.Serializer):
    """The answer to a refresh."""

    access = serializers.CharField(help_text="Sent as `Authorization: Bearer …`, for 30 minutes.")
