"""Fills a fresh, migrated SQLite database with customers and subscriptions whose jobs are due once, by SQL.

Half as many customers as subscriptions. Each has credit for ever.
"""

import sqlite3
from contextlib import closing

from bench.fill import CREDIT, DAY, JOB_STATE, PASSWORD, PRICE

STATEMENTS = """
    CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY);
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {subscriptions})
    INSERT INTO numbers SELECT n FROM n;

    INSERT INTO customer_customer (id, username, username_folded, password, first_name, last_name, email, is_staff,
        is_superuser, is_active, date_joined)
    SELECT n, 'c' || n, 'c' || n, '{password}', '', '', '', 0, 0, 1, '{now}' FROM numbers WHERE n <= {customers};

    INSERT INTO customer_account (customer_id, credit, settled_until, deposited, invoice_count, invoice_total)
    SELECT id, {credit}, datetime('{now}', '-1 seconds'), {credit}, 0, 0 FROM customer_customer;

    INSERT INTO customer_ledgerentry (account_id, kind, amount, at, by_id, reason)
    SELECT id, 'registration', {credit}, datetime('{now}', '-1 years'), id, '' FROM customer_customer;

    INSERT INTO subscription_subscription (id, customer_id, name, price, period, isactive, created_at)
    SELECT n, (n + 1) / 2, 'VM', {price}, {period}, 1, datetime('{now}', '-{period} seconds') FROM numbers;

    INSERT INTO django_apscheduler_djangojob (id, next_run_time, job_state)
    SELECT id, datetime(created_at, '+{period} seconds'), zeroblob({job_state})
    FROM subscription_subscription ORDER BY id;

    ANALYZE;
"""


def fill(database_url: str, *, subscriptions: int, period: int = DAY) -> None:
    """Makes subscriptions whose jobs are due now and again in `period` seconds; all of it is in the one file."""
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        ((now,),) = connection.execute("SELECT datetime()")
        script = STATEMENTS.format(
            now=now,
            subscriptions=subscriptions,
            customers=subscriptions // 2,
            credit=CREDIT,
            price=PRICE,
            period=period,
            password=PASSWORD,
            job_state=JOB_STATE,
        )
        connection.executescript(f"BEGIN;{script}COMMIT;")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
