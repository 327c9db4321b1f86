"""Has the admin's lists, its fields that are only shown, and its errors write numbers and times as we do everywhere.

Neither Django nor unfold asks a setting which calendar, which digits and whether thousands are apart. All that they
show passes unfold.utils, which takes it from django.utils.formats; here it is given these two instead. What is wrong
with a field is said in the words of the API, whose digits are ASCII.
"""

from datetime import date, datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.forms.utils import ErrorList
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
    ErrorList.__getitem__ = _error


_of_django = ErrorList.__getitem__


def _error(errors: ErrorList, index: int) -> str:
    """An error of a form; one that is HTML has its own."""
    said = _of_django(errors, index)
    return said if hasattr(said, "__html__") else numbers.digits(said)
