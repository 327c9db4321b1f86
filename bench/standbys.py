"""What standing by costs: a burst billed by one scheduler, with none, one, four and sixteen others standing by.

`python -m bench.standbys` prints a table in Markdown.
"""

import os
import statistics
import time
from collections import defaultdict
from contextlib import ExitStack

import psutil

from bench import fill, pace
from tests import postgresql, servers

SUBSCRIPTIONS = 50_000
STANDBYS = (0, 1, 4, 16)
TURNS = 3
AHEAD = 30
"""Seconds from filling to the burst: for the processes to start, and to be watched while they have nothing to do."""
IDLE = 8
DUE = "SELECT 1 FROM django_apscheduler_djangojob WHERE next_run_time <= clock_timestamp() LIMIT 1"
LEFT = "SELECT extract(epoch FROM min(next_run_time) - clock_timestamp()) FROM django_apscheduler_djangojob"


def measure(standbys: int) -> tuple[float, float, float]:
    """Invoices a second in the burst; milliseconds of CPU a second, and megabytes, of each standby."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        fill.fill(url, subscriptions=SUBSCRIPTIONS, ahead=AHEAD)
        settings = servers.PRODUCTION | {"DATABASE_URL": url}
        command = [*servers.MANAGE, "runscheduler"]
        active = stack.enter_context(servers.Process(command, **settings))
        active.says("The scheduler bills")
        others = [stack.enter_context(servers.Process(command, **settings)) for _ in range(standbys)]
        for each in others:
            each.says("The scheduler bills")
        watched = [psutil.Process(each.popen.pid) for each in others]
        before = [sum(each.cpu_times()[:2]) for each in watched]
        time.sleep(IDLE)
        used = [sum(each.cpu_times()[:2]) - was for each, was in zip(watched, before, strict=True)]
        ((left,),) = servers.rows(url, LEFT)
        assert left > 0, "the burst came before the processes had been watched"
        time.sleep(float(left))
        began = time.perf_counter()
        while servers.rows(url, DUE):
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        ((invoices,),) = servers.rows(url, "SELECT count(*) FROM invoice_invoice")
        assert invoices == SUBSCRIPTIONS
        memory = [each.memory_full_info().uss / 2**20 for each in watched]
        return invoices / seconds, 1000 * sum(used) / IDLE / max(standbys, 1), sum(memory) / max(standbys, 1)


def main() -> None:
    os.environ["DATABASE_URL"] = postgresql.given() or postgresql.of_our_own()
    found: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for turn in pace.steps(range(TURNS * len(STANDBYS)), "bursts"):
        standbys = STANDBYS[turn % len(STANDBYS)]
        found[standbys].append(measure(standbys))
    alone = statistics.median(rate for rate, _, _ in found[0])
    print("| standbys | invoices/s of the one that bills, to those without | CPU of each, idle | memory of each |")
    print("|---:|---:|---:|---:|")
    for standbys, measured in found.items():
        ratios = [rate / alone for rate, _, _ in measured]
        cpu, memory = (statistics.median(each[place] for each in measured) for place in (1, 2))
        each = f"{cpu:.1f} ms a second | {memory:.0f} MB" if standbys else "– | –"
        middle = statistics.median(ratios)
        print(f"| {standbys} | {middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {each} |")
    print(f"\n{alone:,.0f} invoices a second without standbys; median of {TURNS}, with the least and the most.")


if __name__ == "__main__":
    main()
