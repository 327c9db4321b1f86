"""Fills a fresh, migrated database with customers, running subscriptions and invoices, by SQL: a million in a minute.

Half as many customers as subscriptions, the first two subscriptions the first customer's. Each has credit for ever.
"""

from contextlib import closing

import psycopg

from bench import pace

PERIOD = 600
DAY = 86_400
PRICE = 7
CREDIT = 10**12
JOB_STATE = 64
"""The bytes of a job's pickle."""
PASSWORD = "!"
"""None: what no hash looks like."""

CUSTOMERS = """
    INSERT INTO customer_customer (id, username, username_folded, password, first_name, last_name, email, is_staff,
        is_superuser, is_active, date_joined)
    SELECT n, 'c' || n, 'c' || n, '{password}', '', '', '', false, false, true, now()
    FROM generate_series(1, {customers}) n
"""
ACCOUNTS = """
    INSERT INTO customer_account (customer_id, credit, settled_until, deposited, invoice_count, invoice_total)
    SELECT n, {credit} - {price} * 2 * {invoices}, {settled}, {credit}, 2 * {invoices}, {price} * 2 * {invoices}
    FROM generate_series(1, {customers}) n
"""
LEDGER = """
    INSERT INTO customer_ledgerentry (account_id, kind, amount, at, by_id, reason)
    SELECT n, 'registration', {credit}, {now} - interval '1 year', n, '' FROM generate_series(1, {customers}) n
"""
SUBSCRIPTIONS = """
    INSERT INTO subscription_subscription (id, customer_id, name, price, period, isactive, created_at)
    SELECT n, (n + 1) / 2, 'VM', {price}, {period}, true, {anchor} FROM generate_series(1, {subscriptions}) n
"""
JOBS = """
    INSERT INTO django_apscheduler_djangojob (id, next_run_time, job_state)
    SELECT id, created_at + {billed} * interval '{period} s', decode(repeat('00', {job_state}), 'hex')
    FROM subscription_subscription ORDER BY id
"""
INVOICES = """
    INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
    SELECT customer_id, id, price, {anchor} + k * interval '{period} s', {anchor} + (k + 1) * interval '{period} s'
    FROM generate_series({first}, {last}) k, subscription_subscription
"""
MAKE_DUE = """
    UPDATE subscription_subscription SET created_at = date_trunc('second', now()) - period * interval '1 s'
    WHERE id <= {subscriptions};
    UPDATE customer_account SET settled_until = date_trunc('second', now()) - interval '1 s'
    WHERE customer_id <= ({subscriptions} + 1) / 2;
    UPDATE django_apscheduler_djangojob job SET next_run_time = date_trunc('second', now())
    FROM subscription_subscription subscription
    WHERE job.id = subscription.id::varchar AND subscription.id <= {subscriptions}
"""
"""One transaction, and so one `now()`. A job stands at the first instant of its grid after what is settled."""
NEXT_ID = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"


def fill(
    database_url: str,
    *,
    subscriptions: int,
    invoices: int = 0,
    missed: int = 1,
    ahead: int = 0,
    spread: bool = False,
    period: int = PERIOD,
) -> None:
    """Makes `subscriptions`, each billed `invoices` times, with `missed` instants due, the last of them at present.

    `ahead`: all that so many seconds later. `spread`: the next instants lie evenly over the period that begins then.
    """
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ((now,),) = connection.execute("SELECT date_trunc('second', now())::text").fetchall()
        now = f"'{now}'::timestamptz"
        due = f"{now} + interval '{ahead - (missed - 1) * period} s'"
        after = f"((n - 1) * {period}::bigint / {subscriptions}) * interval '1 s'" if spread else "interval '0'"
        values = {
            "customers": max(subscriptions // 2, 1),
            "password": PASSWORD,
            "job_state": JOB_STATE,
            "subscriptions": subscriptions,
            "invoices": invoices,
            "billed": invoices + 1,
            "period": period,
            "price": PRICE,
            "credit": CREDIT,
            "now": now,
            "anchor": f"{due} + {after} - {invoices + 1} * interval '{period} s'",
            "settled": f"LEAST({due} - interval '1 s', now())",
        }
        for statement in (CUSTOMERS, ACCOUNTS, LEDGER, SUBSCRIPTIONS, JOBS):
            connection.execute(statement.format(**values))
        _invoices(connection, "created_at", 1, invoices, subscriptions, period)
        for table in ("customer_customer", "subscription_subscription"):
            connection.execute(NEXT_ID.format(table=table))
        connection.execute("VACUUM ANALYZE")


def add_invoices(database_url: str, *, subscriptions: int, first: int, last: int) -> None:
    """Gives each of the subscriptions its invoices number `first` to `last` of years ago; no books account for them."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        _invoices(connection, "'2000-01-01'::timestamptz", first, last, subscriptions, PERIOD)
        connection.execute("VACUUM ANALYZE invoice_invoice")


def make_due(database_url: str, *, subscriptions: int) -> None:
    """Makes so many jobs due at this second, as if their subscriptions had been created a period ago.

    Nothing of the change is left to do for PostgreSQL.
    """
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        connection.execute(MAKE_DUE.format(subscriptions=subscriptions))
        connection.execute("VACUUM subscription_subscription, customer_account, django_apscheduler_djangojob")
        connection.execute("CHECKPOINT")


def _invoices(
    connection: psycopg.Connection, anchor: str, first: int, last: int, subscriptions: int, period: int
) -> None:
    """Those of the instants anchor + first·period to anchor + last·period, oldest first, about a million at once."""
    at_once = max(1_000_000 // subscriptions, 1)
    for begin in pace.steps(range(first, last + 1, at_once), "invoices of the past"):
        end = min(begin + at_once - 1, last)
        connection.execute(INVOICES.format(anchor=anchor, first=begin, last=end, period=period))
