"""How late billing is while it goes on, second after second, with a million subscriptions spread over their period."""

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psutil
import psycopg

from bench import fill, pace
from bench.measure import Measured
from tests import servers

NEW = """
    SELECT max(id), start_time, count(*), clock_timestamp() FROM invoice_invoice WHERE id > %s GROUP BY start_time
"""
"""What has been committed since. The clock is read after the snapshot: no invoice was there later than it says."""
DUE = "SELECT EXISTS (SELECT 1 FROM django_apscheduler_djangojob WHERE next_run_time < %s)"
BETWEEN = "SELECT count(*) FROM invoice_invoice WHERE start_time >= %s AND start_time < %s"
LOOK = 0.005
"""Seconds between two looks: what an invoice seems to be later than it is, at most, and the time of a look itself."""


def spread(*, quick: bool) -> list[Measured]:
    """B2: lateness, Python's share of one core, and memory, in five windows of time."""
    subscriptions, windows, seconds = (100_000, 3, 4) if quick else (1_000_000, 5, 100)
    with servers.database() as url:
        fill.fill(url, subscriptions=subscriptions, spread=True)
        settings = servers.PRODUCTION | {"DATABASE_URL": url}
        with servers.Process([*servers.MANAGE, "runscheduler"], **settings) as process:
            seen = _watch(url, psutil.Process(process.popen.pid), windows, seconds)
    lateness = [seen.percentile(window, 99) for window in seen.windows(seconds)]
    by_second = {"p99": [seen.percentile(each, 99) for each in seen.windows(1)]}
    return [
        Measured(
            name=f"B2-{name}", work=f"{subscriptions:,} subscriptions spread over {fill.PERIOD} s: {meaning}",
            compared_with="real time", unit=unit, reach=reach, at_most=True, ours=ours, series=series,
        )
        for name, meaning, unit, reach, ours, series in [
            ("lateness", "lateness, p99", "ms", 100, lateness, by_second),
            ("cpu", "CPU, of one core", "%", 20, seen.cpu, {}),
            ("memory", "resident memory", "MB", 120, seen.memory, {}),
        ]
    ]  # fmt: skip


@dataclass(kw_only=True)
class _Seen:
    """Invoices by instant and lateness in milliseconds, from `begin` on; percent and megabytes of each window."""

    begin: datetime
    end: datetime
    invoices: dict[datetime, Counter] = field(default_factory=dict)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def windows(self, seconds: int) -> list[tuple[datetime, datetime]]:
        """The instants from `begin` to `end` in windows of so many seconds; the end of each is not in it."""
        step = timedelta(seconds=seconds)
        return [(self.begin + n * step, self.begin + (n + 1) * step) for n in range((self.end - self.begin) // step)]

    def percentile(self, window: tuple[datetime, datetime], share: int) -> float:
        """The lateness that so many percent of a window's invoices do not pass."""
        counts: Counter = Counter()
        for instant, those in self.invoices.items():
            if window[0] <= instant < window[1]:
                counts.update(those)
        left = counts.total() * share / 100
        for lateness in sorted(counts):
            left -= counts[lateness]
            if left <= 0:
                return lateness
        raise AssertionError("no invoice is of this window")


def _watch(database_url: str, process: psutil.Process, windows: int, seconds: int) -> _Seen:
    """Looks on, once what came due before is billed, until all that is due in the windows is billed."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ((now,),) = connection.execute("SELECT date_trunc('second', clock_timestamp())").fetchall()
        servers.until(lambda: not connection.execute(DUE, [now]).fetchone()[0], "what is due to be billed")
        ((now, last),) = connection.execute("SELECT clock_timestamp(), max(id) FROM invoice_invoice").fetchall()
        begin = now.replace(microsecond=0) + timedelta(seconds=2)
        seen = _Seen(begin=begin, end=begin + timedelta(seconds=windows * seconds))
        edge = time.monotonic() + (begin - now).total_seconds()
        last = _look(connection, seen, last, until=edge)
        for _ in pace.steps(range(windows), "B2"):
            before = sum(process.cpu_times()[:2])
            edge += seconds
            last = _look(connection, seen, last, until=edge)
            seen.cpu.append(100 * (sum(process.cpu_times()[:2]) - before) / seconds)
            seen.memory.append(process.memory_info().rss / 2**20)
        patience = time.monotonic() + servers.PATIENCE
        while connection.execute(DUE, [seen.end]).fetchone()[0]:
            last = _look(connection, seen, last, until=time.monotonic() + 0.2)
            assert time.monotonic() < patience, "the scheduler falls behind"
        _look(connection, seen, last, until=time.monotonic() + 0.2)
        ((there,),) = connection.execute(BETWEEN, [seen.begin, seen.end]).fetchall()
    watched = sum(those.total() for instant, those in seen.invoices.items() if seen.begin <= instant < seen.end)
    assert watched == there, f"{watched} of {there} invoices were seen"
    return seen


def _look(connection: psycopg.Connection, seen: _Seen, last: int, *, until: float) -> int:
    """Notes the invoices that come after the `last`, and returns the last of them."""
    while time.monotonic() < until:
        for greatest, instant, invoices, clock in connection.execute(NEW, [last]).fetchall():
            lateness = round((clock - instant).total_seconds() * 1000, 1)
            seen.invoices.setdefault(instant, Counter())[lateness] += invoices
            last = max(last, greatest)
        time.sleep(LOOK)
    return last


MEASURES = {"spread": spread}
