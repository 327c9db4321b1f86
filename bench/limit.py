"""The limit: one hand-written statement for each 5,000 due jobs makes the writes of billing, and nothing else.

No plan, no locks, no look at what else the account runs. `DATABASE_URL=… python -m bench.limit [share shares]` takes
the accounts whose id leaves `share` on division by `shares`.
"""

import json
import os
import sys
import time

import psycopg

ROWS = 5_000
BILL = """
    WITH due AS (
        SELECT job.id AS job_id, subscription.id, subscription.customer_id, subscription.price, job.next_run_time,
               job.next_run_time + subscription.period * interval '1 s' AS ends
        FROM django_apscheduler_djangojob job
        JOIN subscription_subscription subscription ON subscription.id = job.id::bigint
        WHERE job.next_run_time <= %(now)s AND subscription.customer_id %% %(shares)s = %(share)s
        ORDER BY job.next_run_time
        LIMIT %(rows)s
    ),
    invoices AS (
        INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
        SELECT customer_id, id, price, next_run_time, ends FROM due
    ),
    accounts AS (
        UPDATE customer_account account
        SET credit = credit - v.charged, settled_until = %(now)s,
            invoice_count = invoice_count + v.invoices, invoice_total = invoice_total + v.charged
        FROM (SELECT customer_id, sum(price)::bigint AS charged, count(*) AS invoices FROM due GROUP BY 1) v
        WHERE account.customer_id = v.customer_id
    )
    UPDATE django_apscheduler_djangojob job SET next_run_time = due.ends FROM due WHERE job.id = due.job_id
"""


def main() -> None:
    share, shares = (int(word) for word in sys.argv[1:3]) if sys.argv[1:] else (0, 1)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        ((now,),) = connection.execute("SELECT clock_timestamp()").fetchall()
        values = {"now": now, "share": share, "shares": shares, "rows": ROWS}
        print("ready", flush=True)
        sys.stdin.readline()
        began, cpu = time.perf_counter(), time.process_time()
        while connection.execute(BILL, values).rowcount:
            pass
        print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
