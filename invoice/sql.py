"""The SQL of billing: named, commented, the same for both databases.

`{rows}` in a statement is the table `v` of the rows that it writes: arrays on PostgreSQL, JSON on SQLite. Times go in
and come out as instants (see invoice.instants).
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

from invoice import arrays, instants

# The subscription that a job's id names. The cast stands on the job's side: the other way round, the walk along
# next_run_time becomes a hash join. SQLite casts '12abc' to 12, hence its second condition.
NAMED = {
    "postgresql": (
        "subscription.id = CASE WHEN job.id ~ '^[1-9][0-9]*$' AND length(job.id) < 19 THEN job.id::bigint END"
    ),
    "sqlite": "subscription.id = CAST(job.id AS INTEGER) AND job.id = CAST(subscription.id AS TEXT)",
}

# For a transaction that writes thousands of rows which it names by their keys. Left to itself, PostgreSQL reads the
# whole of a table with a hundred thousand rows instead, which takes half as long again.
BY_KEY = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

CLAIM = {
    # Locks the accounts of the jobs that are due, oldest first, and passes over those that somebody else has locked.
    "postgresql": f"""
        SELECT subscription.customer_id
        FROM django_apscheduler_djangojob job
        JOIN subscription_subscription subscription ON {NAMED["postgresql"]}
        JOIN customer_account account ON account.customer_id = subscription.customer_id
        WHERE job.next_run_time <= %s
          AND NOT EXISTS (SELECT 1 FROM customer_setaside aside WHERE aside.account_id = account.customer_id)
        ORDER BY job.next_run_time
        LIMIT %s
        FOR NO KEY UPDATE OF account SKIP LOCKED
    """,
    # The transaction has locked the database.
    "sqlite": f"""
        SELECT subscription.customer_id
        FROM django_apscheduler_djangojob job
        JOIN subscription_subscription subscription ON {NAMED["sqlite"]}
        WHERE job.next_run_time <= %s
          AND NOT EXISTS (SELECT 1 FROM customer_setaside aside WHERE aside.account_id = subscription.customer_id)
        ORDER BY job.next_run_time
        LIMIT %s
    """,
}

# The next instant at which anything is due, accounts set aside left out: their overdue jobs would spin the scheduler.
# It may have been broken by hand. Infinity and the years before Christ, which Python cannot read, become dates that it
# can; SQLite's times come as the text that they are.
NEXT_DUE = {
    vendor: f"""
        SELECT {readable}
        FROM django_apscheduler_djangojob job
        JOIN subscription_subscription subscription ON {NAMED[vendor]}
        JOIN customer_account account ON account.customer_id = subscription.customer_id
        WHERE job.next_run_time IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM customer_setaside aside WHERE aside.account_id = subscription.customer_id)
        ORDER BY job.next_run_time
        LIMIT 1
    """
    for vendor, readable in (
        ("postgresql", "LEAST(GREATEST(job.next_run_time, '0001-01-02'), '9999-12-30')"),
        ("sqlite", "CAST(job.next_run_time AS TEXT)"),
    )
}

# Locks the accounts named, but for those that somebody else has locked.
LOCK = {
    "postgresql": """
        SELECT account.customer_id FROM customer_account account
        WHERE account.customer_id = ANY(%b) FOR NO KEY UPDATE SKIP LOCKED
    """,
    "sqlite": """
        SELECT account.customer_id FROM customer_account account
        WHERE account.customer_id IN (SELECT value FROM json_each(%s))
    """,
}

# Reads the accounts named with all their jobs, due or not. A statement of its own, after the one that locks: that one
# saw the snapshot from before its locks, in which what another scheduler has just billed still looks due.
READ = {
    vendor: f"""
        SELECT account.customer_id, account.credit, {time.format("account.settled_until")},
               subscription.id, subscription.price, subscription.period, {time.format("subscription.created_at")},
               subscription.isactive, {time.format("job.next_run_time")}, job.id IS NOT NULL
        FROM customer_account account
        LEFT JOIN subscription_subscription subscription ON subscription.customer_id = account.customer_id
        LEFT JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
        WHERE {named}
    """
    for vendor, time, named in (
        ("postgresql", "{}", "account.customer_id = ANY(%b)"),
        ("sqlite", "CAST({} AS TEXT)", "account.customer_id IN (SELECT value FROM json_each(%s))"),
    )
}
READ_COLUMNS = {
    "customer_id": "bigint",
    "credit": "bigint",
    "settled_until": "timestamptz",
    "subscription_id": "bigint",
    "price": "bigint",
    "period": "bigint",
    "created_at": "timestamptz",
    "isactive": "boolean",
    "next_run_time": "timestamptz",
    "has_job": "boolean",
}

WRITE_INVOICES = """
    INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
    SELECT customer_id, subscription_id, amount, start_time, end_time FROM {rows}
"""
INVOICE_COLUMNS = {
    "customer_id": "bigint",
    "subscription_id": "bigint",
    "amount": "bigint",
    "start_time": "timestamptz",
    "end_time": "timestamptz",
}

WRITE_ACCOUNTS = """
    UPDATE customer_account AS account
    SET credit = account.credit - v.charged, settled_until = v.settled_until,
        invoice_count = account.invoice_count + v.invoices, invoice_total = account.invoice_total + v.charged
    FROM {rows}
    WHERE account.customer_id = v.customer_id
"""
ACCOUNT_COLUMNS = {
    "customer_id": "bigint",
    "charged": "bigint",
    "invoices": "bigint",
    "settled_until": "timestamptz",
}

WRITE_JOBS = """
    UPDATE django_apscheduler_djangojob AS job
    SET next_run_time = v.next_run_time
    FROM {rows}
    WHERE job.id = CAST(v.subscription_id AS varchar)
"""
JOB_COLUMNS = {"subscription_id": "bigint", "next_run_time": "timestamptz"}

# Adds to what this connection has counted already; its number is asked for here, since what a pooler tells its clients
# when they connect is invented. SQLite wants the WHERE, to tell ON CONFLICT from a join's ON.
WRITE_TALLIES = {
    vendor: f"""
        INSERT INTO invoice_tally (minute, writer, invoices, amount)
        SELECT minute, COALESCE(writer, {this}), invoices, amount FROM {{rows}} WHERE true
        ON CONFLICT (minute, writer) DO UPDATE
        SET invoices = invoice_tally.invoices + excluded.invoices, amount = invoice_tally.amount + excluded.amount
    """
    for vendor, this in (("postgresql", "pg_backend_pid()"), ("sqlite", "0"))
}
TALLY_COLUMNS = {"minute": "timestamptz", "writer": "bigint", "invoices": "bigint", "amount": "numeric"}

WRITE_PAUSES = """
    INSERT INTO subscription_pause
        (subscription_id, withheld_from, paused_at, paused_because, paused_on, paused_by_id, resumed_on)
    SELECT subscription_id, withheld_from, paused_at, paused_because, paused_on, paused_by_id, '' FROM {rows}
"""
PAUSE_COLUMNS = {
    "subscription_id": "bigint",
    "withheld_from": "timestamptz",
    "paused_at": "timestamptz",
    "paused_because": "varchar",
    "paused_on": "varchar",
    "paused_by_id": "bigint",
}

WRITE_RESUMES = """
    UPDATE subscription_pause AS pause
    SET restored_from = v.restored_from, resumed_at = v.resumed_at, resumed_on = v.resumed_on,
        resumed_by_id = v.resumed_by_id
    FROM {rows}
    WHERE pause.subscription_id = v.subscription_id AND pause.restored_from IS NULL
"""
RESUME_COLUMNS = {
    "subscription_id": "bigint",
    "restored_from": "timestamptz",
    "resumed_at": "timestamptz",
    "resumed_on": "varchar",
    "resumed_by_id": "bigint",
}


def write_by_key() -> None:
    """Has PostgreSQL look up by their keys all rows that the open transaction writes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(BY_KEY)


def query(statements: dict[str, str], *parameters: Any) -> list[tuple]:
    """All rows of the statement that this database has of `statements`.

    Parameters are whole numbers, lists of them, and times. On SQLite, times come back as the text that they are.
    """
    bound = [_bound(parameter) for parameter in parameters]
    with _cursor() as cursor:
        cursor.execute(statements[connection.vendor], bound)
        return cursor.fetchall()


def parser(columns: dict[str, str]) -> Callable[[tuple], tuple]:
    """What makes numbers and instants of a row that was read; it raises ValueError where a value is neither.

    On SQLite, which keeps anything anywhere. PostgreSQL's values are what they should be.
    """
    if connection.vendor == "postgresql":
        return tuple
    return lambda row: tuple(map(_parsed, row, columns.values(), columns))


def instant(value: int | str | None) -> int | None:
    """A time as statements give it, which is text on SQLite. Raises ValueError where it is none."""
    return _instant_of(value) if isinstance(value, str) else value


def _parsed(value: Any, kind: str, name: str) -> Any:
    if kind == "timestamptz":
        return instant(value)
    if kind == "bigint" and value is not None and type(value) is not int:
        raise ValueError(f"its {name} is {value!r}, which is no whole number")
    return value


@lru_cache(maxsize=10_000)  # the same instants come again
def _instant_of(text: str) -> int:
    return instants.of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def write(statement: str, columns: dict[str, str], rows: Sequence[tuple]) -> int:
    """Runs `statement` over `rows`, one statement however many, and returns how many rows it wrote.

    Raises OverflowError where a number or an instant is beyond what the database can hold.
    """
    if not rows:
        return 0
    kinds = _ARRAYS if connection.vendor == "postgresql" else _TEXTS
    values = [
        kinds.get(kind, list)(column) for kind, column in zip(columns.values(), zip(*rows, strict=True), strict=True)
    ]
    if connection.vendor == "postgresql":
        parts = ", ".join(f"%b::{kind}[]" for kind in columns.values())
        table = f"unnest({parts}) AS v({', '.join(columns)})"
    else:
        fields = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(columns))
        table = f"(SELECT {fields} FROM json_each(%s)) AS v"
        values = [json.dumps(list(zip(*values, strict=True)))]
    with _cursor() as cursor:
        cursor.execute(statement.format(rows=table), values)
        return cursor.rowcount


@lru_cache(maxsize=10_000)
def _text(instant: int | None) -> str | None:
    """An instant as Django's adapter writes it for SQLite."""
    return instant if instant is None else connection.ops.adapt_datetimefield_value(instants.time(instant))


_ARRAYS = {"bigint": arrays.Numbers, "timestamptz": arrays.Instants}
_TEXTS: dict[str, Callable] = {"timestamptz": lambda column: map(_text, column)}


def _cursor() -> CursorWrapper:
    """Django's cursor; on PostgreSQL, one that sends and gets binary values.

    Django's own writes parameters into the text of the statement and reads times from text: 93 µs of Python an invoice,
    where these are a few.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    binary = psycopg.Cursor(connection.connection)
    binary.format = psycopg.pq.Format.BINARY
    arrays.register(binary)
    return connection._prepare_cursor(binary)


def _bound(value: Any) -> Any:
    """A parameter as the database takes it."""
    if isinstance(value, datetime):
        return value if connection.vendor == "postgresql" else connection.ops.adapt_datetimefield_value(value)
    if type(value) is list:
        return arrays.Numbers(value) if connection.vendor == "postgresql" else json.dumps(value)
    return value
