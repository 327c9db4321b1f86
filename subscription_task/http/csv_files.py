"""Rows as a CSV file: in a stream of bounded size, and with no cell that a spreadsheet would compute."""

import csv
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from subscription_task.http import heartbeat

ROWS_AT_ONCE = 2000
BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets see that a file is in UTF-8; many programs take it for a part of the first head."""

_SIGNS = "=+\\-@＝＋－＠"
"""How a formula begins; some spreadsheets take the wide forms of signs for the signs."""
# A spreadsheet may separate by another sign than the comma. Then a text is in quotes for it only by chance, and each
# part of a text is a cell, whatever white space and quotes stand before it.
_FORMULA = re.compile(rf"""(?:^(?=[\t\r\n]|[{_SIGNS}])|([,;|\t\r\n\v\f\x85\u2028\u2029])(?=[\s"]{{0,64}}[{_SIGNS}]))""")
_HARMLESS = re.compile(rf"[{_SIGNS}]|[+-]?[0-9]+(\.[0-9]+)?")


class _Line:
    """A file of which csv.writer writes one line, and gives it back."""

    def write(self, line: str) -> str:
        return line


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, whichever sign it separates by, with an apostrophe before each.

    A number and a sign alone are none.
    """
    return cell if _HARMLESS.fullmatch(cell) else _FORMULA.sub(r"\1'", cell)


def line(cells: Iterable[str]) -> str:
    # A writer keeps the line it is at, so each line has its own: Python may run another thread between two cells.
    return csv.writer(_Line()).writerow(map(defused, cells))


def lines(columns: Sequence[str], chunks: Iterable[Iterable[dict[str, Any]]]) -> Iterator[str]:
    """The heads, then each chunk of rows in one piece, with the values as JSON has them; null is empty."""
    yield line(columns)
    for rows in chunks:
        yield "".join(line(_text(row[column]) for column in columns) for row in rows)


def by_key(rows: QuerySet, *, ascending: bool = False) -> Iterator[list[Model]]:
    """All rows in the order of their keys, some thousands at once.

    Each chunk is a query of its own that goes on beyond the last key: no cursor and no transaction stays open however
    slowly the file is fetched, and no row comes twice.
    """
    rows = rows.order_by("pk" if ascending else "-pk")
    chunk = list(rows[:ROWS_AT_ONCE])
    while chunk:
        yield chunk
        last, full = chunk[-1].pk, len(chunk) == ROWS_AT_ONCE
        chunk = list(rows.filter(**{"pk__gt" if ascending else "pk__lt": last})[:ROWS_AT_ONCE]) if full else []


def answer(request: HttpRequest, pieces: Iterator[str], *, name: str, marked: bool = False) -> StreamingHttpResponse:
    """A file that the browser saves as `name`.csv. What fails before its first rows are there is an error as ever.

    One that is `marked` for spreadsheets begins with a byte order mark.
    """
    pieces = alive(chain([BYTE_ORDER_MARK], pieces) if marked else pieces)
    pieces = chain(list(islice(pieces, 3 if marked else 2)), pieces)
    return StreamingHttpResponse(
        _unhurried(pieces) if isinstance(request, ASGIRequest) else pieces,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def alive(pieces: Iterator[str]) -> Iterator[str]:
    """The same, with a sign of life before each piece."""
    heartbeat.beat()
    for piece in pieces:
        yield piece
        heartbeat.beat()


async def _unhurried(pieces: Iterator[str]) -> AsyncIterator[str]:
    """The same for ASGI, where Django would collect an ordinary iterator in memory first."""
    while (piece := await sync_to_async(next)(pieces, None)) is not None:
        yield piece


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
