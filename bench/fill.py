"""Fills a fresh, migrated database with customers, running subscriptions and invoices, by SQL: a million in a minute.

Half as many customers as subscriptions. Each has credit for ever, and each subscription a period of PERIOD seconds.
"""

from contextlib import closing

import psycopg

from bench import pace

PERIOD = 600
PRICE = 7
CREDIT = 10**12

CUSTOMERS = """
    INSERT INTO customer_customer (id, username, username_folded, password, first_name, last_name, email, is_staff,
        is_superuser, is_active, date_joined)
    SELECT n, 'c' || n, 'c' || n, '!', '', '', '', false, false, true, now() FROM generate_series(1, {customers}) n
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
    SELECT id, created_at + {billed} * interval '{period} s', decode(repeat('00', 600), 'hex')
    FROM subscription_subscription ORDER BY id
"""
INVOICES = """
    INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
    SELECT customer_id, id, price, created_at + k * interval '{period} s', created_at + (k + 1) * interval '{period} s'
    FROM generate_series({first}, {last}) k, subscription_subscription
"""
NEXT_ID = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"


def fill(
    database_url: str,
    *,
    subscriptions: int,
    invoices: int = 0,
    missed: int = 1,
    ahead: int = 0,
    spread: bool = False,
) -> None:
    """Makes `subscriptions`, each billed `invoices` times, with `missed` instants due, the last of them at present.

    `ahead`: all that so many seconds later. `spread`: the next instants lie evenly over the period that begins then.
    """
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ((now,),) = connection.execute("SELECT date_trunc('second', now())::text").fetchall()
        now = f"'{now}'::timestamptz"
        due = f"{now} + interval '{ahead - (missed - 1) * PERIOD} s'"
        after = f"((n - 1) * {PERIOD}::bigint / {subscriptions}) * interval '1 s'" if spread else "interval '0'"
        values = {
            "customers": max(subscriptions // 2, 1),
            "subscriptions": subscriptions,
            "invoices": invoices,
            "billed": invoices + 1,
            "period": PERIOD,
            "price": PRICE,
            "credit": CREDIT,
            "now": now,
            "anchor": f"{due} + {after} - {invoices + 1} * interval '{PERIOD} s'",
            "settled": f"LEAST({due} - interval '1 s', now())",
        }
        for statement in (CUSTOMERS, ACCOUNTS, LEDGER, SUBSCRIPTIONS, JOBS):
            connection.execute(statement.format(**values))
        at_once = max(1_000_000 // subscriptions, 1)
        for first in pace.steps(range(1, invoices + 1, at_once), "invoices of the past"):
            last = min(first + at_once - 1, invoices)
            connection.execute(INVOICES.format(**values, first=first, last=last))
        for table in ("customer_customer", "subscription_subscription"):
            connection.execute(NEXT_ID.format(table=table))
        connection.execute("VACUUM ANALYZE")
