"""Has the admin's lists and its fields that are only shown write numbers and times as we do everywhere.

Neither Django nor unfold asks a setting which calendar, which digits and whether thousands are apart. All that they
show passes unfold.utils, which takes it from django.utils.formats; here it is given these two instead.
"""

from datetime import date, datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.utils import formats
from unfold import utils

from subscription_task.formats import numbers, times


def localize(value: Any) -> str:
    if isinstance(value, datetime):
        return times.element(value)
    if isinstance(value, date):
        return times.text(value, "DATE_FORMAT")
    if isinstance(value, time):
        return numbers.digits(formats.localize(value))
    return formats.localize(value)


def number_format(value: float | Decimal, decimals: int | None = None) -> str:
    return numbers.number(value, decimals)


def hook_in() -> None:
    utils.formats = SimpleNamespace(localize=localize, number_format=number_format)
