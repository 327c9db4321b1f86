"""What every template has: Django's filter of dates, by the language's calendar, and numbers in its digits."""

import re
from datetime import date, datetime
from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList
from django.db.models.options import Options
from django.template import defaultfilters
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from unfold.templatetags.unfold_list import paginator_number

from subscription_task.formats import letters, numbers, sentences, times

register = template.Library()
_OF_PEOPLE = re.compile(r"(?P<kept><[^>]*>|&[^;\s]*;)|[0-9]+")


@register.filter(name="date", expects_localtime=True, is_safe=False)
def _date(value: Any, pattern: str | None = None) -> str:
    if isinstance(value, date | datetime):
        return times.text(value, pattern or "DATE_FORMAT")
    return defaultfilters.date(value, pattern)


@register.filter
def number(value: Any, decimals: int | None = None) -> str:
    """A number with separators; nothing for what is none."""
    return "" if value is None or value == "" else numbers.number(value, decimals)


@register.simple_tag
def rows(count: int, options: Options, most: int | None = None) -> str:
    """So many rows of a model, such as `2 customers`; there may be more where there are `most`."""
    return numbers.rows(count, options.verbose_name, options.verbose_name_plural, bounded=count == most)


@register.simple_tag
def page_number(changes: ChangeList, number: int | str) -> str:
    """Unfold's link to a page of a list, with its number in the digits of the language."""
    link = paginator_number(changes, number)
    return mark_safe(link.replace(f">{number}<", f">{numbers.digits(number)}<"))  # noqa: S308 - it was safe before


@register.filter
def said(text: str) -> str:
    """What is kept in English, in the language of the page."""
    return sentences.shown(text)


@register.filter
def digits(value: Any) -> str:
    """A number without separators, such as that of a page."""
    return numbers.digits(value)


@register.filter(is_safe=True)
def digits_of_help(html: Any) -> str:
    """A text with tags in it, of which only what people read is changed."""
    return _OF_PEOPLE.sub(lambda found: found[0] if found["kept"] else numbers.digits(found[0]), str(html))


@register.simple_tag
def with_id(name: str, number: int) -> str:
    """What somebody has named, with its id."""
    return letters.with_id(name, number)


@register.simple_tag
def moment(value: datetime | None, pattern: str = "DATETIME_FORMAT") -> str:
    """A time as an element, with the instant for programs."""
    return format_html("{}", times.element(value, pattern))
