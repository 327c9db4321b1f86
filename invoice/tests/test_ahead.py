"""Billing far ahead is the planner's billing, to the charge, however far."""

import os
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from customer.errors import AccountBroken
from invoice import ahead, plan
from invoice.instants import SECOND

HISTORIES = int(os.environ.get("HISTORIES", "56"))
YEAR = 365 * 86_400 * SECOND
ALL = 10**9

pytestmark = pytest.mark.once

orders = st.tuples(
    st.one_of(st.integers(1, 60), st.sampled_from([1, 1000])),  # the price
    st.sampled_from([1, 2, 3, 7, 10, 60]),  # the period in seconds
    st.integers(-100, 0),  # the anchor's second
    st.sampled_from([True, True, True, False]),
)


def job(id, price, period, anchor=0, active=True, settled=0):
    made = plan.Job(id, price, period * SECOND, anchor * SECOND, active, None)
    made.next = made.first_after(settled)
    return made


def account(credit, jobs, settled=0):
    """One that obeys the rule: what the credit does not cover is paused."""
    made = plan.Account(1, credit, settled, jobs)
    for each in jobs:
        each.next = each.next if made.runs(each) else None
    return made


def copied(account):
    return replace(account, jobs=[replace(each) for each in account.jobs])


@settings(max_examples=HISTORIES * 5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    credit=st.integers(0, 5000),
    ordered=st.lists(orders, max_size=6),
    settled=st.sampled_from([0, 1, SECOND // 2, 17 * SECOND]),
    length=st.one_of(st.integers(0, 3000 * SECOND), st.sampled_from([0, SECOND, 600 * SECOND])),
    step=st.sampled_from([1, 2, 7, 500]),
    first=st.integers(0, 20),
)
def test_it_is_what_the_planner_comes_to_charge_by_charge(credit, ordered, settled, length, step, first):
    jobs = [job(id, *order, settled=settled) for id, order in enumerate(ordered, start=1)]
    far = account(credit, jobs, settled)
    near, changes = copied(far), plan.Changes()
    assert plan.settle(changes, near, settled + length, ALL)
    usual, ahead.STEP = ahead.STEP, step
    try:
        stretch = ahead.bill(far, settled + length, first=first)
    finally:
        ahead.STEP = usual
    assert far == near
    assert stretch.pauses == changes.pauses
    assert stretch.first == changes.charges[:first]
    assert stretch.count == len(changes.charges)
    for each in jobs:
        amounts = [charge.amount for charge in changes.charges if charge.subscription_id == each.subscription_id]
        assert (stretch.invoices[each.subscription_id], stretch.amounts[each.subscription_id]) == (
            len(amounts),
            sum(amounts),
        )


def test_a_year_of_seconds_is_counted_and_not_lived():
    rich = account(10**12, [job(1, price=3, period=1), job(2, price=70, period=600, anchor=-13)])
    stretch = ahead.bill(rich, YEAR, first=2)
    assert stretch.invoices == {1: 31_536_000, 2: 52_560}
    assert rich.credit == 10**12 - 3 * 31_536_000 - 70 * 52_560
    assert [charge.start for charge in stretch.first] == [SECOND, 2 * SECOND]
    assert stretch.pauses == []


def test_a_pause_months_away_is_found_to_the_second_and_cheaper_jobs_go_on():
    poor = account(610 * 100_000 + 650, [job(1, price=100, period=10), job(2, price=10, period=60)])
    stretch = ahead.bill(poor, YEAR, first=0)
    assert [(pause.subscription_id, pause.at, pause.withheld_from) for pause in stretch.pauses] == [
        (1, 6_000_060 * SECOND, 6_000_070 * SECOND),
        (2, 6_000_300 * SECOND, 6_000_360 * SECOND),
    ]
    assert stretch.invoices == {1: 600_006, 2: 100_005}
    assert poor.credit == 0


def test_a_thousand_subscriptions_that_pause_one_after_the_other_take_no_time():
    jobs = [job(id, price=id * 1000, period=3600 + id % 5, anchor=-id) for id in range(1, 1001)]
    many = account(10**10, jobs)
    stretch = ahead.bill(many, YEAR, first=10)
    assert len(stretch.pauses) == 1000
    assert many.credit < 1000
    assert stretch.amount == 10**10 - many.credit


def test_a_job_off_its_place_is_refused():
    broken = account(100, [job(1, price=3, period=60)])
    broken.jobs[0].next += SECOND
    with pytest.raises(AccountBroken):
        ahead.bill(broken, YEAR, first=0)
