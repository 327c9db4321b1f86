"""How long requests take while a burst is billed, beside the same requests while nothing is due.

One request at a time, so that none waits for another of the load: only for the service.
"""

import time
from collections import defaultdict
from contextlib import ExitStack

from bench import fill, pace
from bench.endpoints import ENDPOINTS, OURS, Endpoint, register_for_login, serving
from bench.load import load, needs_wrk
from bench.measure import Measured
from tests import servers

LEFT = "SELECT extract(epoch FROM min(next_run_time) - clock_timestamp()) FROM django_apscheduler_djangojob"
INVOICED = "SELECT 1 FROM invoice_invoice LIMIT 1"
PLACES = {"apart": "runscheduler", "inside": "a worker"}
"""Who bills: a process beside servers with SCHEDULER=off, or a worker of the server."""
Milliseconds = dict[str, list[float]]


def rush(*, quick: bool) -> list[Measured]:
    """B6, with the scheduler in each of its places; for a quick look, in one."""
    needs_wrk()
    subscriptions, ahead, bursts, turns = (200_000, 35, 1, 1) if quick else (1_000_000, 90, 3, 2)
    places = ["apart"] if quick else list(PLACES)
    asked = [each for each in ENDPOINTS if not quick or each.name in ("increasecredit", "create", "invoice-list")]
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for burst in pace.steps(range(bursts * len(places)), "B6"):
        place = places[burst % len(places)]
        idle, busy = _around_a_burst(place, subscriptions, ahead, turns, asked)
        for name in idle:
            found[place, name] += zip(busy[name], idle[name], strict=True)
    return [
        Measured(
            name=f"B6-{place}-{name}", unit="ms", reach=3, at_most=True,
            work=f"{name}, p99 in a burst of {subscriptions:,} by {PLACES[place]}",
            compared_with="while nothing is due",
            ours=[busy for busy, _ in pairs], others=[idle for _, idle in pairs],
        )
        for (place, name), pairs in found.items()
    ]  # fmt: skip


def _around_a_burst(
    place: str, subscriptions: int, ahead: int, turns: int, asked: list[Endpoint]
) -> tuple[Milliseconds, Milliseconds]:
    """Milliseconds that 99 of 100 requests took at most: before all is due at one instant, and while it is billed."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        fill.fill(url, subscriptions=subscriptions, period=fill.DAY, ahead=ahead)
        apart = place == "apart"
        server = stack.enter_context(serving(OURS, DATABASE_URL=url, SCHEDULER="off" if apart else "auto"))
        if apart:
            settings = servers.PRODUCTION | {"DATABASE_URL": url}
            stack.enter_context(servers.Process([*servers.MANAGE, "runscheduler"], **settings)).says("bills")
        register_for_login(server)
        idle = _all(server, asked, range(turns))
        ((left,),) = servers.rows(url, LEFT)
        assert left > 0, "the burst came too soon"
        time.sleep(float(left))
        servers.until(lambda: servers.rows(url, INVOICED), "the burst to begin")
        busy = _all(server, asked, range(turns, 2 * turns))
        ((left,),) = servers.rows(url, LEFT)
        assert left < 0, "the burst was over too soon"
    return idle, busy


def _all(server: str, asked: list[Endpoint], turns: range) -> Milliseconds:
    """A second of requests to each endpoint in each turn."""
    found: Milliseconds = {each.name: [] for each in asked}
    for turn in turns:
        for each in asked:
            found[each.name].append(load(server, each.requests(turn), seconds=1, connections=1).p99)
    return found


MEASURES = {"rush": rush}
