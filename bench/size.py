"""What a full table of invoices costs: the same burst with millions of invoices in it, and with none."""

from functools import partial

from bench import fill
from bench.billing import PASSES, rate
from bench.measure import Measured, in_turn
from tests import servers


def size(*, quick: bool) -> list[Measured]:
    """B8: microseconds an invoice. The table grows; its last size is the one that counts."""
    subscriptions, sizes, turns = (5_000, (500_000,), 2) if quick else (100_000, (1_000_000, 5_000_000, 20_000_000), 5)
    costs: dict[int, tuple[list[float], list[float]]] = {}
    with servers.database() as full, servers.database() as empty:
        for url in (full, empty):
            fill.fill(url, subscriptions=subscriptions, period=fill.DAY)
        each = 0
        for invoices in sizes:
            fill.add_invoices(full, subscriptions=subscriptions, first=each + 1, last=invoices // subscriptions)
            each = invoices // subscriptions
            costs[invoices] = in_turn(
                turns,
                f"B8, {invoices:,} invoices",
                partial(_cost, full, subscriptions),
                partial(_cost, empty, subscriptions, "TRUNCATE invoice_invoice"),
            )
    last = Measured(
        name="B8-size", work=f"{subscriptions:,} jobs due at one instant, {sizes[-1]:,} invoices in the table",
        compared_with="none in the table", unit="µs an invoice", reach=1.25, at_most=True,
        ours=costs[sizes[-1]][0], others=costs[sizes[-1]][1],
        series={f"{invoices}": [full / none for full, none in zip(*both, strict=True)]
                for invoices, both in costs.items()},
    )  # fmt: skip
    return [last]


def _cost(database_url: str, subscriptions: int, *statements: str) -> float:
    """Microseconds an invoice of a burst in which all that there is is due, after these statements."""
    with servers.connect(database_url) as connection:
        for statement in statements:
            connection.execute(statement)
    fill.make_due(database_url, subscriptions=subscriptions)
    return 1e6 / rate(database_url, subscriptions, PASSES)


MEASURES = {"size": size}
