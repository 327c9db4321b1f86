"""kill -9 at every boundary between statements: what was due is billed once, and an event happens wholly or not at all.

A child does one piece of work on books that are late, and kills itself before or after one statement or commit; new
children then run passes until nothing is due. `make chaos` has this and the faults that take longer.
"""

import pytest

from tests.chaos import books, boundaries
from tests.chaos.boundaries import NOW

pytestmark = pytest.mark.skipif(not boundaries.forks(), reason="wants fork: a child that kills itself, by the hundred")

PAID = {("bob's", 7): 20 // 7, ("dan's", 3): 0}
"""How many instants of a grid could be billed, where not all: the money ran out, the subscription was switched off."""


@pytest.fixture(scope="module")
def bench():
    with boundaries.bench() as made:
        yield made


@pytest.mark.parametrize("work", boundaries.WORK)
def test_killed_at_any_boundary_it_happened_wholly_or_not_at_all_and_all_that_was_due_is_billed_once(bench, work):
    done, without = (sound(bench, bench.aftermath(what)) for what in (work, "nothing"))

    kills = list(bench.kills(work))
    for killed in kills:
        assert killed.books in (without.books, done.books), killed.killed

    where = [killed.killed for killed in kills]
    assert where.count("before a commit") == where.count("after a commit") >= 1, where
    assert kills[0].books == without.books, "the first boundary lies before everything"
    assert kills[-1].books == done.books, "the last lies after everything"
    # What was committed stays: from some boundary on, always.
    happened = [killed.books == done.books for killed in kills]
    assert happened == sorted(happened)
    last_commit = len(where) - where[::-1].index("after a commit") - 1
    assert happened[last_commit], "committed, so it happened, though nobody was answered"


@pytest.mark.parametrize("work", boundaries.WITH_KEY)
def test_a_request_with_a_key_that_was_killed_anywhere_has_one_effect_once_it_is_sent_again(bench, work):
    done, without = (sound(bench, bench.aftermath(what)) for what in (work, "nothing"))
    assert len(done.books["keys"]) == 1

    for killed in bench.kills(work):
        assert killed.books in (without.books, done.books), killed.killed
        assert len(killed.books["keys"]) == effects(killed.books) <= 1, killed.killed
        bench.ask(work)
        again = books.read(bench.url)
        assert len(again["keys"]) == effects(again) == 1, killed.killed
        assert [row[:2] for row in again["accounts"]] == [row[:2] for row in done.books["accounts"]], killed.killed


def effects(found: dict[str, list[tuple]]) -> int:
    """How many top-ups and new subscriptions there are."""
    return sum(row[1] == "top_up" for row in found["ledger"]) + sum(row[2] == "new" for row in found["subscriptions"])


def sound(bench: boundaries.Bench, found: boundaries.Aftermath) -> boundaries.Aftermath:
    """Asserts that each grid was billed up to NOW, as far as its account could pay, and that the books agree."""
    assert bench.check() == []
    invoices = [(owner, books.second(start)) for _, owner, start, *_ in found.books["invoices"]]
    expected = []
    for subscription_id, _, name, price, period, _, created_at in found.books["subscriptions"]:
        grid = range(int(books.second(created_at)) + period, int(NOW.timestamp()) + 1, period)
        expected += [(subscription_id, instant) for instant in grid[: PAID.get((name, price))]]
    assert invoices == expected
    assert len(invoices) == 5 * 4 + 2, "five instants of four subscriptions, two of one whose money ran out"

    credit = dict.fromkeys((account_id for account_id, *_ in found.books["accounts"]), 0)
    for account_id, _, amount, *_ in found.books["ledger"]:
        credit[account_id] += amount
    for account_id, *_, amount in found.books["invoices"]:
        credit[account_id] -= amount
    assert [(account_id, left) for account_id, left, *_ in found.books["accounts"]] == list(credit.items())
    return found
