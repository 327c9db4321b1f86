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
FORMULA = (*"=+-@＝＋－＠", "\t", "\r")
"""How a cell begins that a spreadsheet computes; some take the wide forms of signs for the signs."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class _Line:
    """A file of which csv.writer writes one line, and gives it back."""

    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Line())


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. A sign alone is none."""
    return f"'{cell}" if len(cell) > 1 and cell[0] in FORMULA and not _NUMBER.fullmatch(cell) else cell


def line(cells: Iterable[str]) -> str:
    return _WRITER.writerow(map(defused, cells))


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


def answer(request: HttpRequest, pieces: Iterator[str], *, name: str) -> StreamingHttpResponse:
    """A file that the browser saves as `name`.csv. What fails before its first rows are there is an error as ever."""
    pieces = alive(pieces)
    pieces = chain(list(islice(pieces, 2)), pieces)
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
