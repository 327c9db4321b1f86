"""How the checks read: one snapshot, statements that are the same for both databases but for a few functions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Of a time of whole seconds, to which it rounds. strftime() takes two or three times as long as this and datetime().
_SECOND = "CAST(round((julianday({}) - 2440587.5) * 86400) AS INTEGER)"
# Statements here count time in whole seconds since 1970, in which neither database can surprise Python.
FUNCTIONS = {
    # The second of a time that is a whole one, as a grid's instants are; NULL where it is none. On SQLite, where times
    # are text, also where it is not written as Django writes it: the same instant in another form escapes a comparison.
    "INSTANT": {
        "postgresql": r"CASE WHEN isfinite(\1) AND CAST(\1 AS timestamptz(0)) = \1"
        r" THEN CAST(date_part('epoch', \1) AS bigint) END",
        "sqlite": r"CASE WHEN \1 = datetime(\1) THEN " + _SECOND.format(r"\1") + " END",
    },
    # The second in which a time lies; NULL where it is no time. Some SQLites round .9995 up, hence the substr.
    "FLOORED": {
        "postgresql": r"CASE WHEN isfinite(\1) THEN CAST(floor(date_part('epoch', \1)) AS bigint) END",
        "sqlite": _SECOND.format(r"substr(\1, 1, 19)"),
    },
    # Whether from a first time to a second it is so many seconds; on SQLite, of times that are INSTANTs.
    "LASTS": {
        "postgresql": r"(isfinite(\1) AND isfinite(\2) AND \2 - \1 = \3 * interval '1 s')",
        "sqlite": r"(\2 = datetime(\1, '+' || \3 || ' seconds'))",
    },
}

# Conditions for rows of one account, and for rows of its subscriptions; where all are asked for, they hold always.
SCOPES = {
    "OF_ACCOUNT": r"\1 = {account:d}",
    "OF_SUBSCRIPTIONS": r"\1 IN (SELECT id FROM subscription_subscription WHERE customer_id = {account:d})",
}


@contextmanager
def snapshot() -> Iterator[None]:
    """One consistent state of the database, which can only be read. Locks nothing that billing waits for.

    Inside an open transaction, it is that.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL jit = off")  # it compiles for seconds what runs in one
            yield
    else:
        with _deferred():
            yield


CACHE = -200_000
"""SQLite's cache while it is checked, in its own way of saying 200 MB: with its usual 2 MB it takes twice as long."""


@contextmanager
def _deferred() -> Iterator[None]:
    """A transaction on SQLite that only reads: atomic() would take the write lock, which billing needs."""
    with connection.cursor() as cursor:
        ((usual,),) = cursor.execute("PRAGMA cache_size").fetchall()
        cursor.execute("PRAGMA query_only = ON")
        cursor.execute(f"PRAGMA cache_size = {CACHE}")
        try:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        finally:
            cursor.execute(f"PRAGMA cache_size = {usual}")
            cursor.execute("PRAGMA query_only = OFF")


def rows(statement: str, *parameters: int | str, account: int | None = None) -> Iterator[tuple]:
    """The rows of a statement in which INSTANT(column), OF_ACCOUNT(column) and their like stand for the texts above."""
    texts = {name: text[connection.vendor] for name, text in FUNCTIONS.items()}
    texts |= {name: "TRUE" if account is None else text.format(account=account) for name, text in SCOPES.items()}
    for name, text in texts.items():
        arguments = ", ".join([r"([\w.]+)"] * max(len(set(re.findall(r"\\\d", text))), 1))
        statement = re.sub(rf"\b{name}\({arguments}\)", text, statement)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield from cursor
