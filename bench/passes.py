"""Runs passes as the scheduler's thread does, until nothing is due, and prints what it took as JSON.

`DATABASE_URL=… python -m bench.passes`
"""

import json
import os
import resource
import sys
import time

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
    django.setup()
    from apscheduler.schedulers.base import STATE_RUNNING  # noqa: PLC0415 - Django first
    from django.db import connection  # noqa: PLC0415

    from invoice.schedulers import Scheduler  # noqa: PLC0415

    scheduler = Scheduler.scheduler
    scheduler.state = STATE_RUNNING
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    while scheduler._process_jobs() < 0.5:
        pass
    seconds = time.perf_counter() - began
    assert not Scheduler.passes.failing
    took = {
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main()
