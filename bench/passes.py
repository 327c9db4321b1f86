"""Runs passes as the scheduler's thread does, with its rests between them, until nothing is due, and prints what it
took as JSON.

`DATABASE_URL=… python -m bench.run bench.passes`
"""

import json
import resource
import sys
import time

from apscheduler.schedulers.base import STATE_RUNNING
from django.db import connection

from invoice.schedulers import Scheduler


def main() -> None:
    scheduler = Scheduler.scheduler
    scheduler.state = STATE_RUNNING
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    while (rest := scheduler._process_jobs()) < 0.5:
        time.sleep(rest)
    seconds = time.perf_counter() - began
    assert not Scheduler.passes.failing
    took = {
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(took), flush=True)
