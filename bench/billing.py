"""What billing is measured by: jobs that are due all at once, as after a tick or after a day without a scheduler."""

from functools import partial

from bench import fill, fill_sqlite
from bench.measure import Measured, copy_of, in_turn, together
from tests import servers

PASSES = ["bench.run", "bench.passes"]
DAY = 144
"""Instants of a day."""
COUNT = "SELECT sum(invoice_count) FROM customer_account"
OUT_OF_ORDER = {
    "an account was not billed oldest first": """
        SELECT count(*) FROM (
            SELECT (start_time, subscription_id) < lag((start_time, subscription_id)) OVER account AS back
            FROM invoice_invoice WINDOW account AS (PARTITION BY customer_id ORDER BY id)
        ) invoices WHERE back
    """,
    "a pass began with a later instant than the next": """
        SELECT count(*) FROM (
            SELECT min(start_time) < lag(min(start_time)) OVER (ORDER BY min(id)) AS back
            FROM invoice_invoice GROUP BY xmin::text
        ) passes WHERE back
    """,
}


def rate(database_url: str, invoices: int, *commands: list[str]) -> float:
    """Invoices a second until the last of these processes has nothing to bill. They must make so many."""
    ((before,),) = servers.rows(database_url, COUNT)
    took = together(database_url, *commands)
    ((after,),) = servers.rows(database_url, COUNT)
    assert after - before == invoices, f"{after - before} invoices were made"
    return invoices / max(each["seconds"] for each in took)


def burst(database_url: str, subscriptions: int, *commands: list[str]) -> float:
    """The rate at which a copy of the database is billed, in which all is due once."""
    with copy_of(database_url) as url:
        return rate(url, subscriptions, *commands)


def stock(*, quick: bool) -> list[Measured]:
    """B1 against the stock design."""
    subscriptions = 1_000 if quick else 10_000
    return [
        _compare(
            "B1-stock", subscriptions, 1 if quick else 5, [PASSES], [["bench.run", "bench.stock"]],
            compared_with="BackgroundScheduler, DjangoJobStore and a transaction a job", reach=80,
        )
    ]  # fmt: skip


def limit(*, quick: bool) -> list[Measured]:
    """B1 against the limit: with one process, and with two."""
    one = [_to_the_limit(size, 3 if quick else 5) for size in ((10_000,) if quick else (10_000, 100_000))]
    two = _compare(
        "B1-limit-two", 20_000 if quick else 100_000, 3 if quick else 5, [PASSES] * 2,
        [["bench.limit", "0", "2"], ["bench.limit", "1", "2"]], compared_with="the same on two connections", reach=0.75,
    )  # fmt: skip
    return [*one, two]


def million(*, quick: bool) -> list[Measured]:
    """B1 against the limit with a million jobs; nothing for a quick look."""
    return [] if quick else [_to_the_limit(1_000_000, 5)]


def sqlite(*, quick: bool) -> list[Measured]:
    """B1 against the limit on SQLite."""
    subscriptions = 10_000 if quick else 100_000
    with servers.database("sqlite://") as url:
        fill_sqlite.fill(url, subscriptions=subscriptions)
        rates = in_turn(
            3 if quick else 5,
            "B1-sqlite",
            partial(burst, url, subscriptions, PASSES),
            partial(burst, url, subscriptions, ["bench.limit_sqlite"]),
        )
    return [
        Measured(
            name="B1-sqlite", work=f"{subscriptions:,} jobs due at one instant, on SQLite",
            compared_with="five statements for 5,000 rows", unit="invoices/s", reach=0.75,
            ours=rates[0], others=rates[1],
        )
    ]  # fmt: skip


def missed(*, quick: bool) -> list[Measured]:
    """B4: a day without a scheduler, beside a burst of 100,000 jobs; and that all is billed in order."""
    subscriptions, at_once = (250, 20_000) if quick else (10_000, 100_000)
    with servers.database() as url:
        fill.fill(url, subscriptions=at_once, period=fill.DAY)
        rates = in_turn(
            2 if quick else 5, "B4", partial(_catch_up, subscriptions), partial(burst, url, at_once, PASSES)
        )
    return [
        Measured(
            name="B4-missed", work=f"{subscriptions:,} subscriptions, a day missed: {DAY} instants each, in order",
            compared_with=f"{at_once:,} jobs due at one instant", unit="invoices/s", reach=0.8,
            ours=rates[0], others=rates[1],
        )
    ]  # fmt: skip


def _catch_up(subscriptions: int) -> float:
    """The rate at which a missed day is billed. It ends now, so the database is filled anew."""
    with servers.database() as url:
        fill.fill(url, subscriptions=subscriptions, missed=DAY)
        servers.administer(url, "CHECKPOINT")
        found = rate(url, subscriptions * DAY, PASSES)
        for fault, statement in OUT_OF_ORDER.items():
            ((times,),) = servers.rows(url, statement)
            assert not times, f"{fault}, {times} times"
    return found


def _to_the_limit(subscriptions: int, turns: int) -> Measured:
    return _compare(
        f"B1-limit-{subscriptions}", subscriptions, turns, [PASSES], [["bench.limit"]],
        compared_with="one statement for 5,000 rows", reach=0.75,
    )  # fmt: skip


def _compare(
    name: str, subscriptions: int, turns: int, ours: list, other: list, *, compared_with: str, reach: float
) -> Measured:
    with servers.database() as url:
        fill.fill(url, subscriptions=subscriptions, period=fill.DAY)  # so that nothing is due twice
        rates = in_turn(
            turns,
            name,
            partial(burst, url, subscriptions, *ours),
            partial(burst, url, subscriptions, *other),
        )
    processes = f", {len(ours)} processes" if len(ours) > 1 else ""
    work = f"{subscriptions:,} jobs due at one instant{processes}"
    return Measured(
        name=name, work=work, compared_with=compared_with, unit="invoices/s", reach=reach,
        ours=rates[0], others=rates[1],
    )  # fmt: skip


MEASURES = {"limit": limit, "stock": stock, "million": million, "sqlite": sqlite, "missed": missed}
