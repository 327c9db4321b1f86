"""How the checks read: one snapshot, statements that are the same for both databases but for two functions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Statements here count time in whole seconds since 1970, in which neither database can surprise Python.
FUNCTIONS = {
    # The second of a time that is a whole one, as a grid's instants are; NULL where it is none. On SQLite, where times
    # are text, also where it is not written as Django writes it: the same instant in another form escapes a comparison.
    "INSTANT": {
        "postgresql": r"CASE WHEN isfinite(\1) AND CAST(\1 AS timestamptz(0)) = \1"
        r" THEN CAST(date_part('epoch', \1) AS bigint) END",
        "sqlite": r"CASE WHEN \1 = strftime('%%Y-%%m-%%d %%H:%%M:%%S', \1)"
        r" THEN CAST(strftime('%%s', \1) AS INTEGER) END",
    },
    # The second in which a time lies; NULL where it is no time. Some SQLites round .9995 up, hence the substr.
    "FLOORED": {
        "postgresql": r"CASE WHEN isfinite(\1) THEN CAST(floor(date_part('epoch', \1)) AS bigint) END",
        "sqlite": r"CAST(strftime('%%s', substr(\1, 1, 19)) AS INTEGER)",
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


@contextmanager
def _deferred() -> Iterator[None]:
    """A transaction on SQLite that only reads: atomic() would take the write lock, which billing needs."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        finally:
            cursor.execute("PRAGMA query_only = OFF")


def rows(statement: str, *parameters: int | str, account: int | None = None) -> Iterator[tuple]:
    """The rows of a statement in which INSTANT(column), OF_ACCOUNT(column) and their like stand for the texts above."""
    texts = {name: text[connection.vendor] for name, text in FUNCTIONS.items()}
    texts |= {name: "TRUE" if account is None else text.format(account=account) for name, text in SCOPES.items()}
    for name, text in texts.items():
        statement = re.sub(rf"\b{name}\(([\w.]+)\)", text, statement)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield from cursor
