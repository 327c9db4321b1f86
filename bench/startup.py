"""What a start costs: from the start of `runscheduler` to the commit of its first pass, however many jobs there are."""

import time
from contextlib import closing
from functools import partial

import psutil
import psycopg

from bench import fill
from bench.measure import Measured, in_turn
from tests import servers

COUNT = "SELECT invoice_count FROM customer_account WHERE customer_id = 1"
HOUR = 3_600
"""Seconds until the jobs are due that only are there."""
AFTERWARDS = 1
"""Seconds for which the memory is watched after the first pass."""


def startup(*, quick: bool) -> list[Measured]:
    """B3: seconds and memory with a million jobs, beside a database with a single one.

    In both one job is due: its invoice shows that the first pass is over.
    """
    subscriptions = 50_000 if quick else 1_000_000
    with servers.database() as full, servers.database() as empty:
        fill.fill(full, subscriptions=subscriptions, ahead=HOUR)
        fill.fill(empty, subscriptions=1, ahead=HOUR)
        ours, others = in_turn(2 if quick else 5, "B3", partial(_start, full), partial(_start, empty))
    return [
        Measured(
            name=f"B3-{what}", work=f"{subscriptions:,} jobs, one due: {meaning}",
            compared_with="a database with that one alone", unit=unit, reach=reach, at_most=True, difference=True,
            ours=[each[place] for each in ours], others=[each[place] for each in others],
        )
        for place, (what, meaning, unit, reach) in enumerate(
            [
                ("seconds", "from start to first invoice", "s", 1),
                ("memory", "resident memory at most", "MB", 50),
            ]
        )
    ]  # fmt: skip


def _start(database_url: str) -> tuple[float, float]:
    """Seconds until the first invoice is there, and the megabytes that were resident at most."""
    fill.make_due(database_url, subscriptions=1)
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ((before,),) = connection.execute(COUNT).fetchall()
        began = time.perf_counter()
        settings = servers.PRODUCTION | {"DATABASE_URL": database_url}
        with servers.Process([*servers.MANAGE, "runscheduler"], **settings) as process:
            watched, memory, seconds = psutil.Process(process.popen.pid), 0, 0.0
            while not seconds or time.perf_counter() < began + seconds + AFTERWARDS:
                if not seconds and connection.execute(COUNT).fetchone() != (before,):
                    seconds = time.perf_counter() - began
                memory = max(memory, watched.memory_info().rss)
                assert time.perf_counter() < began + servers.PATIENCE, process.output
                time.sleep(0.002)
    return seconds, memory / 2**20


MEASURES = {"startup": startup}
