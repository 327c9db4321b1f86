"""Serializer fields that take what the API promises and nothing else."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

MAX_MONEY = 2**63 - 1
"""The largest amount of money, in its smallest unit: what a 64-bit column holds."""

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)


class LiteralField(serializers.Field):
    """A field that a form leaves out is missing, and one that it leaves blank is blank, as in JSON."""

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)


class WholeField(LiteralField):
    """A whole number: a JSON integer, or a string of 1 to 19 ASCII digits; from `least` to `most`."""

    default_error_messages = {
        "invalid": _("A whole number is required: an integer, or 1 to 19 digits."),
        "range": _("Must be from {least} to {most}."),
    }

    def __init__(self, *, least: int = 0, most: int = MAX_MONEY, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and _DIGITS.fullmatch(data):
            data = int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        if not self.least <= data <= self.most:
            self.fail("range", least=self.least, most=self.most)
        return data

    def to_representation(self, value: int) -> int:
        return value


class MoneyField(WholeField):
    """Money in its smallest unit, a whole number."""

    default_error_messages = {
        "invalid": _("A whole number is required, in the smallest unit of money: an integer, or 1 to 19 digits."),
    }


class SwitchField(LiteralField, serializers.BooleanField):
    """A BooleanField for which a field that a form leaves out is missing, not false."""
