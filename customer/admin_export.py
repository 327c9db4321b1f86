"""Any list of the admin as CSV: its columns, under its filters and its search, in a stream of bounded size."""

import csv
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from html import unescape
from operator import attrgetter
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import label_for_field
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import strip_tags
from django.utils.text import capfirst, slugify

from customer.admin_log import with_origin

ROWS_AT_ONCE = 2000
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class _Line:
    """A file of which csv.writer writes one line, and gives it back."""

    def write(self, line: str) -> str:
        return line


def answer(
    request: HttpRequest, model_admin: ModelAdmin, queryset: QuerySet, columns: list[str]
) -> StreamingHttpResponse:
    """The rows of `queryset`, by descending key, as a file that the browser saves; logged with who wanted it."""
    opts = model_admin.opts
    asked = f"Exported as CSV{' where ' + request.GET.urlencode() if request.GET else ''}."
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type=ContentType.objects.get_for_model(opts.model, for_concrete_model=False),
        object_repr=str(opts.verbose_name_plural)[:200],
        action_flag=CHANGE,
        change_message=with_origin(request, asked),
    )
    chunks = lines(model_admin, queryset, columns)
    return StreamingHttpResponse(
        _unhurried(chunks) if isinstance(request, ASGIRequest) else chunks,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{slugify(opts.verbose_name_plural)}.csv"'},
    )


def lines(model_admin: ModelAdmin, queryset: QuerySet, columns: list[str]) -> Iterator[str]:
    """The lines of the file, some thousands at once.

    Each chunk is a query of its own that goes on below the last key: no cursor and no transaction stays open however
    slowly the file is fetched.
    """
    writer = csv.writer(_Line())
    cells = [_reader(column, model_admin) for column in columns]
    heads = [capfirst(label_for_field(column, queryset.model, model_admin)) for column in columns]
    yield writer.writerow(map(defused, heads))
    rows = queryset.order_by("-pk")
    chunk = list(rows[:ROWS_AT_ONCE])
    while chunk:
        yield "".join(writer.writerow(defused(_text(_value(cell, row))) for cell in cells) for row in chunk)
        last, full = chunk[-1].pk, len(chunk) == ROWS_AT_ONCE
        chunk = list(rows.filter(pk__lt=last)[:ROWS_AT_ONCE]) if full else []


async def _unhurried(chunks: Iterator[str]) -> AsyncIterator[str]:
    """The same for ASGI, where Django would collect an ordinary iterator in memory first."""
    while (chunk := await sync_to_async(next)(chunks, None)) is not None:
        yield chunk


FORMULA = (*"=+-@＝＋－＠", "\t", "\r")
"""How a cell begins that a spreadsheet computes; some take the wide forms of signs for the signs."""


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in FORMULA and not _NUMBER.fullmatch(cell) else cell


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
    return unescape(strip_tags(value)) if hasattr(value, "__html__") else str(value)
