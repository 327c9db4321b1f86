"""The limit on SQLite: hand-written statements make the writes of billing for 5,000 due jobs in a transaction.

SQLite has no statement that writes to three tables; what is due stands in a table in memory between them.
`DATABASE_URL=… python -m bench.limit_sqlite`
"""

import json
import os
import sqlite3
import sys
import time

ROWS = 5_000
PREPARE = """
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
    CREATE TEMP TABLE due (job_id TEXT PRIMARY KEY, id, customer_id, price, next_run_time, ends);
"""
DUE = """
    INSERT INTO due
    SELECT job.id, subscription.id, subscription.customer_id, subscription.price, job.next_run_time,
           datetime(job.next_run_time, '+' || subscription.period || ' seconds')
    FROM django_apscheduler_djangojob job
    JOIN subscription_subscription subscription ON subscription.id = CAST(job.id AS INTEGER)
    WHERE job.next_run_time <= ?
    ORDER BY job.next_run_time
    LIMIT ?
"""
BILL = (
    """
    INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
    SELECT customer_id, id, price, next_run_time, ends FROM due
    """,
    """
    UPDATE customer_account AS account
    SET credit = credit - v.charged, settled_until = ?,
        invoice_count = invoice_count + v.invoices, invoice_total = invoice_total + v.charged
    FROM (SELECT customer_id, sum(price) AS charged, count(*) AS invoices FROM due GROUP BY 1) v
    WHERE account.customer_id = v.customer_id
    """,
    "UPDATE django_apscheduler_djangojob AS job SET next_run_time = due.ends FROM due WHERE job.id = due.job_id",
    "DELETE FROM due",
)


def main() -> None:
    connection = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:///"), isolation_level=None)
    connection.executescript(PREPARE)
    ((now,),) = connection.execute("SELECT datetime()")
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    billed = ROWS
    while billed:
        connection.execute("BEGIN IMMEDIATE")
        billed = connection.execute(DUE, (now, ROWS)).rowcount
        for statement in BILL:
            connection.execute(statement, (now,) * statement.count("?"))
        connection.execute("COMMIT")
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}), flush=True)
    connection.close()


if __name__ == "__main__":
    main()
