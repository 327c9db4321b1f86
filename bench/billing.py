"""What billing is measured by: bursts of jobs due at one instant."""

from collections.abc import Callable
from functools import partial

from bench import fill
from bench.measure import Measured, copy_of, in_turn, together
from tests import servers

PASSES = ["bench.run", "bench.passes"]


def burst(database_url: str, subscriptions: int, *commands: list[str]) -> float:
    """Invoices a second, from a copy of the database, until the last of these processes has nothing to bill."""
    with copy_of(database_url) as url:
        took = together(url, *commands)
        ((invoices,),) = servers.rows(url, "SELECT sum(invoice_count) FROM customer_account")
        assert invoices == subscriptions, f"{invoices} invoices were made"
    return subscriptions / max(each["seconds"] for each in took)


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


def _to_the_limit(subscriptions: int, turns: int) -> Measured:
    return _compare(
        f"B1-limit-{subscriptions}", subscriptions, turns, [PASSES], [["bench.limit"]],
        compared_with="one statement for 5,000 rows", reach=0.75,
    )  # fmt: skip


def _compare(
    name: str, subscriptions: int, turns: int, ours: list, other: list, *, compared_with: str, reach: float
) -> Measured:
    with servers.database() as url:
        fill.fill(url, subscriptions=subscriptions)
        rates = in_turn(
            turns,
            name,
            partial(burst, url, subscriptions, *ours),
            partial(burst, url, subscriptions, *other),
        )
    processes = f", {len(ours)} processes" if len(ours) > 1 else ""
    work = f"{subscriptions:,} jobs due at one instant{processes}"
    return Measured(
        name=name, work=work, compared_with=compared_with, unit="invoices", reach=reach, ours=rates[0], others=rates[1]
    )


MEASURES: dict[str, Callable[..., list[Measured]]] = {"limit": limit, "stock": stock, "million": million}
