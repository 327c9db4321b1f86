"""Serializer fields that take what the API promises and nothing else."""

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

MAX_MONEY = 2**63 - 1
"""The largest amount of money, in its smallest unit: what a 64-bit column holds."""

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)


@extend_schema_field(OpenApiTypes.INT64)
class MoneyField(serializers.Field):
    """Money in its smallest unit: a JSON integer, or a string of 1 to 19 ASCII digits; from `least` to 2⁶³−1."""

    default_error_messages = {
        "invalid": "A whole number is required, in the smallest unit of money: an integer, or 1 to 19 digits.",
        "range": "Must be from {least} to {most}.",
    }

    def __init__(self, *, least: int = 0, **options: Any) -> None:
        self.least = least
        super().__init__(**options)

    def get_value(self, dictionary: Any) -> Any:
        """A field that a form leaves blank is blank, not missing."""
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and _DIGITS.fullmatch(data):
            data = int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        if not self.least <= data <= MAX_MONEY:
            self.fail("range", least=self.least, most=MAX_MONEY)
        return data

    def to_representation(self, value: int) -> int:
        return value


class SwitchField(serializers.BooleanField):
    """A BooleanField for which a field that a form leaves out is missing, not false."""

    default_empty_html = serializers.empty
