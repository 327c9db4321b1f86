"""Any list of the admin as CSV: its columns, under its filters and its search, in a stream of bounded size.

Programs read it, so it is in English, with ASCII digits and times in ISO 8601, whoever asks for it; people open it in a
spreadsheet, so it begins with a byte order mark.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from operator import attrgetter
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import label_for_field
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import strip_tags
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext_noop

from customer.admin_log import with_origin
from subscription_task.formats.sentences import in_english, sentence
from subscription_task.http import csv_files

_TIME = re.compile(r'<time datetime="([^"T]+)T([^"]+)".*?</time>')
_EXPORTED = sentence(gettext_noop("Exported as CSV."))
_EXPORTED_WHERE = sentence(gettext_noop("Exported as CSV where %(query)s."))


def answer(
    request: HttpRequest, model_admin: ModelAdmin, queryset: QuerySet, columns: list[str]
) -> StreamingHttpResponse:
    """The rows of `queryset`, by descending key, as a file that the browser saves; logged with who wanted it."""
    opts = model_admin.opts
    asked = _EXPORTED_WHERE % {"query": request.GET.urlencode()} if request.GET else str(_EXPORTED)
    with in_english():
        listed = str(opts.verbose_name_plural)
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type=ContentType.objects.get_for_model(opts.model, for_concrete_model=False),
        object_repr=listed[:200],
        action_flag=CHANGE,
        change_message=with_origin(request, asked),
    )
    pieces = _in_english(lines(model_admin, queryset, columns))
    return csv_files.answer(request, pieces, name=slugify(listed), marked=True)


def lines(model_admin: ModelAdmin, queryset: QuerySet, columns: list[str]) -> Iterator[str]:
    """The lines of the file, some thousands at once."""
    cells = [_reader(column, model_admin) for column in columns]
    yield csv_files.line(str(capfirst(label_for_field(column, queryset.model, model_admin))) for column in columns)
    for chunk in csv_files.by_key(queryset):
        yield "".join(csv_files.line(_text(_value(cell, row)) for cell in cells) for row in chunk)


def _in_english(chunks: Iterator[str]) -> Iterator[str]:
    """The same, each made in English; the language of whoever fetches it may have ended with the request."""
    while True:
        with in_english():
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _reader(column: str, model_admin: ModelAdmin) -> Callable[[Model], Any]:
    """What gets the value of a column of the list: a field's, the admin's or the object's own."""
    try:
        field = model_admin.opts.get_field(column)
    except FieldDoesNotExist:
        return getattr(model_admin, column, None) or attrgetter(column)
    if field.choices:
        labels = dict(field.flatchoices)
        return lambda row: labels.get(getattr(row, column), getattr(row, column))
    return attrgetter(column)


def _value(cell: Callable[[Model], Any], row: Model) -> Any:
    try:
        return cell(row)
    except ObjectDoesNotExist:  # as the list takes it: damage in one row must not end the file
        return None


def _text(value: Any) -> str:
    """A value as people read it, without markup; times in ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return unescape(strip_tags(_TIME.sub(r"\1 \2", value))) if hasattr(value, "__html__") else str(value)
