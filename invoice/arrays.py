"""How numbers and instants travel between Python and PostgreSQL: by the thousand, in PostgreSQL's binary form.

psycopg would make an object of every element. An array is sent as its header (dimensions, whether any is NULL, the
elements' type, how many, the first index), then each element after its length: array_recv in PostgreSQL's sources.
"""

import struct
import sys
from array import array
from collections.abc import Iterable

import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryLoader

NULL = struct.pack(">i", -1)


class Numbers(list):
    """Values of a column of type bigint: whole numbers and None."""


class Instants(list):
    """Values of a column of type timestamptz: instants (see invoice.instants) and None."""


class _Array(Dumper):
    """Eight bytes an element. Raises OverflowError beyond them, TypeError for what is no whole number."""

    format = Format.BINARY
    element: int

    def dump(self, values: list[int | None]) -> bytes:
        try:
            nulls, body = False, _elements(values)
        except TypeError:
            nulls, body = True, b"".join(map(_element, values))
        return struct.pack(">iiIii", 1, nulls, self.element, len(values), 1) + body


class _NumbersDumper(_Array):
    oid, element = (psycopg.postgres.types["int8"].array_oid, psycopg.postgres.types["int8"].oid)


class _InstantsDumper(_Array):
    oid, element = (psycopg.postgres.types["timestamptz"].array_oid, psycopg.postgres.types["timestamptz"].oid)


def _elements(values: Iterable[int]) -> bytes:
    """Elements in a row, all bytes of the same place at once."""
    numbers = array("q", values)
    if sys.byteorder == "little":
        numbers.byteswap()
    flat = numbers.tobytes()
    body = bytearray(b"\0\0\0\x08" + bytes(8)) * len(numbers)
    for place in range(8):
        body[4 + place :: 12] = flat[place::8]
    return bytes(body)


def _element(value: int | None) -> bytes:
    return NULL if value is None else _elements([value])


def register(context: AdaptContext) -> None:
    """Makes a cursor send the lists above, and return instants for times."""
    context.adapters.register_dumper(Numbers, _NumbersDumper)
    context.adapters.register_dumper(Instants, _InstantsDumper)
    context.adapters.register_loader("timestamptz", Int8BinaryLoader)
