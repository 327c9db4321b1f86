"""What a customer with a million invoices waits for statistics and lists, beside one with a hundred."""

from contextlib import closing
from functools import partial
from urllib.parse import urlsplit

from bench import fill, fill_sqlite
from bench.endpoints import OURS, serving
from bench.load import Request, access_token, load, needs_wrk
from bench.measure import Measured, in_turn
from tests import servers

FEW = 100
"""A page."""
INVOICES = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {invoices})
    INSERT INTO invoice_invoice (customer_id, subscription_id, amount, start_time, end_time)
    SELECT {customer}, 2 * {customer} - n % 2, 7, {starts}, {ends} FROM numbers
"""
INSTANT = {
    "postgresql": "timestamptz '2000-01-01' + ({number}) * interval '600 s'",
    "sqlite": "datetime('2000-01-01', (({number}) * 600) || ' seconds')",
}
COUNTERS = """
    UPDATE customer_account SET invoice_count = {invoices}, invoice_total = 7 * {invoices}
    WHERE customer_id = {customer}
"""


def lists(*, quick: bool) -> list[Measured]:
    """B7, on both databases."""
    needs_wrk()
    many, seconds, turns = (100_000, 1, 1) if quick else (1_000_000, 2, 5)
    rows = []
    for vendor, given in (("PostgreSQL", None), ("SQLite", "")):
        with servers.database(given) as url:
            _fill(url, many)
            with serving(OURS, DATABASE_URL=url) as server:
                rows += [
                    _compare(f"{what}, {vendor}", many, server, few, lot, seconds, turns)
                    for what, few, lot in _requests(server, many)
                ]
    return rows


def _fill(url: str, many: int) -> None:
    """Customer 1 gets many invoices, and customer 2 a few."""
    vendor = "sqlite" if url.startswith("sqlite") else "postgresql"
    if vendor == "sqlite":
        fill_sqlite.fill(url, subscriptions=4)
    else:
        fill.fill(url, subscriptions=4, period=fill.DAY, ahead=fill.DAY // 2)
    with closing(servers.connect(url)) as connection:
        for customer, invoices in ((1, many), (2, FEW)):
            starts, ends = (INSTANT[vendor].format(number=number) for number in ("n", "n + 1"))
            values = {"customer": customer, "invoices": invoices, "starts": starts, "ends": ends}
            connection.execute(INVOICES.format(**values))
            connection.execute(COUNTERS.format(**values))
        connection.execute("ANALYZE")
        connection.commit()


def _requests(server: str, many: int) -> list[tuple[str, Request, Request]]:
    """What is asked, as the customer with few invoices asks it and as the one with many does."""
    lot, few = access_token(1), access_token(2)
    for token, invoices in ((lot, many), (few, FEW)):
        status, found = servers.request(server, "GET", "/invoice/statistics", token=token)
        assert (status, found["number_of_invoices"]) == (200, invoices)
    get = partial(Request, method="GET")
    first, last = "/invoice/list", _last_page(server, lot, many)
    return [
        ("statistics", get(path="/invoice/statistics", token=few), get(path="/invoice/statistics", token=lot)),
        ("first page", get(path=first, token=few), get(path=first, token=lot)),
        ("last page", get(path=_last_page(server, few, FEW), token=few), get(path=last, token=lot)),
    ]


def _last_page(server: str, token: str, invoices: int) -> str:
    """The path of the last page of the usual size, found from page to page: by large ones, and then by usual ones."""
    large = ["/invoice/list?page_size=1000"]
    seen = 0
    while True:
        status, page = servers.request(server, "GET", large[-1], token=token)
        assert status == 200, page
        seen += len(page["invoices"])
        if page["next"] is None:
            break
        large.append(_path(page["next"]))
    assert seen == invoices
    usual = large[-1].replace("page_size=1000&", "").replace("&page_size=1000", "").replace("?page_size=1000", "")
    while (page := servers.request(server, "GET", usual, token=token)[1])["next"] is not None:
        usual = _path(page["next"])
    assert len(page["invoices"]) == FEW
    return usual


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _compare(what: str, many: int, server: str, few: Request, lot: Request, seconds: int, turns: int) -> Measured:
    def milliseconds(request: Request) -> float:
        return 1000 / load(server, [request], seconds=seconds, connections=1).rate

    ours, others = in_turn(turns, f"B7 {what}", partial(milliseconds, lot), partial(milliseconds, few))
    return Measured(
        name=f"B7-{what.replace(', ', '-').replace(' ', '-').lower()}", unit="ms", reach=1.5, at_most=True,
        work=f"{what}, for a customer with {many:,} invoices", compared_with=f"one with {FEW}",
        ours=ours, others=others,
    )  # fmt: skip


MEASURES = {"lists": lists}
