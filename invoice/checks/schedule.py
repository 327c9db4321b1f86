"""The schedule: the one job of every subscription, its pauses and its prices."""

from collections.abc import Iterator
from typing import NamedTuple

from invoice.checks import words
from invoice.checks.database import rows
from invoice.checks.faults import Fault, counted, when

# Every subscription with its job. It must stand at the first instant of its grid after its account's time: the anchor
# and periods being whole seconds, so may the time be.
STANDING = """
    WITH terms AS (
        SELECT subscription.id, subscription.customer_id, subscription.isactive, subscription.price, account.credit,
               job.id AS job_id, job.next_run_time IS NOT NULL AS runs, INSTANT(job.next_run_time) AS stands_at,
               CAST(job.next_run_time AS varchar) AS written, COALESCE(opened.pauses, 0) AS pauses,
               NULLIF(subscription.period, 0) AS period, FLOORED(subscription.created_at) AS anchor,
               FLOORED(account.settled_until) AS settled
        FROM subscription_subscription subscription
        LEFT JOIN customer_account account ON account.customer_id = subscription.customer_id
        LEFT JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
        LEFT JOIN (
            SELECT subscription_id, count(*) AS pauses
            FROM subscription_pause
            WHERE restored_from IS NULL AND OF_SUBSCRIPTIONS(subscription_id) GROUP BY subscription_id
        ) opened ON opened.subscription_id = subscription.id
        WHERE OF_ACCOUNT(subscription.customer_id)
    ),
    expected AS (
        SELECT terms.*,
               anchor + period * CASE WHEN settled > anchor THEN (settled - anchor) / period + 1
                                       WHEN settled <= anchor THEN 1 END AS expected
        FROM terms
    )
    SELECT id, customer_id, isactive, price, credit, job_id, runs, stands_at, written, pauses, expected
    FROM expected
"""
# Those whose job is not as the rule and the account's time want it.
JOBS = f"""
    {STANDING}
    WHERE job_id IS NULL
       OR runs <> (isactive AND credit >= price)
       OR pauses <> CASE WHEN runs THEN 0 ELSE 1 END
       OR runs AND COALESCE(stands_at <> expected, TRUE)
    ORDER BY id
"""
ORPHANS = """
    SELECT job.id, CAST(job.next_run_time AS varchar)
    FROM django_apscheduler_djangojob job
    WHERE job.id IN (
        SELECT id FROM django_apscheduler_djangojob EXCEPT SELECT CAST(id AS varchar) FROM subscription_subscription
    )
    ORDER BY job.id
"""
# Pauses off the grid, or that begin before the one before them ends: one that is still open ends never.
PAUSES = """
    WITH pause AS (
        SELECT id, subscription_id, restored_from IS NULL AS open,
               INSTANT(withheld_from) AS begins, INSTANT(restored_from) AS ends,
               CAST(withheld_from AS varchar) AS begins_written, CAST(restored_from AS varchar) AS ends_written,
               lag(id) OVER in_order AS before,
               lag(restored_from) OVER in_order > withheld_from
                   OR lag(id) OVER in_order IS NOT NULL AND lag(restored_from) OVER in_order IS NULL AS too_soon
        FROM subscription_pause
        WHERE OF_SUBSCRIPTIONS(subscription_id)
        WINDOW in_order AS (
            PARTITION BY subscription_id ORDER BY withheld_from, restored_from IS NULL, restored_from, id
        )
    ),
    placed AS (
        SELECT pause.*, subscription.customer_id, COALESCE(
                   begins > FLOORED(subscription.created_at)
                   AND (begins - FLOORED(subscription.created_at)) %% NULLIF(subscription.period, 0) = 0
                   AND (open OR (ends - begins) %% NULLIF(subscription.period, 0) = 0),
                   FALSE) AS on_grid
        FROM pause JOIN subscription_subscription subscription ON subscription.id = pause.subscription_id
    )
    SELECT id, subscription_id, customer_id, begins_written, ends_written, before, too_soon, on_grid
    FROM placed
    WHERE too_soon OR NOT on_grid
    ORDER BY subscription_id, id
"""
TERMS = """
    SELECT id, customer_id, price, period, CAST(created_at AS varchar)
    FROM subscription_subscription
    WHERE (price < 1 OR period < 1 OR FLOORED(created_at) IS NULL) AND OF_ACCOUNT(customer_id)
    ORDER BY id
"""
PRICES = """
    WITH change AS (
        SELECT id, subscription_id, CAST(at AS varchar) AS at, price,
               lead(previous) OVER (PARTITION BY subscription_id ORDER BY subscription_pricechange.at, id) AS left_off
        FROM subscription_pricechange
        WHERE OF_SUBSCRIPTIONS(subscription_id)
    )
    SELECT change.id, subscription.id, subscription.customer_id, change.at, change.price,
           COALESCE(change.left_off, subscription.price)
    FROM change JOIN subscription_subscription subscription ON subscription.id = change.subscription_id
    WHERE change.price <> COALESCE(change.left_off, subscription.price)
    ORDER BY subscription.id, change.id
"""


class Standing(NamedTuple):
    """A subscription with its job, which `runs` at `stands_at`, in seconds since 1970, and must at `expected`."""

    subscription: int
    account: int
    active: bool
    price: int
    credit: int | None
    job: str | None
    runs: bool
    stands_at: int | None
    written: str | None
    pauses: int
    expected: int | None


def standing(account: int) -> Iterator[Standing]:
    """All subscriptions of one account."""
    return map(Standing._make, rows(STANDING, account=account))


def terms(account: int | None = None) -> Iterator[Fault]:
    """Every subscription has a price, a period and a grid."""
    for subscription_id, customer_id, price, period, created_at in rows(TERMS, account=account):
        yield Fault(
            code="terms_impossible",
            account=customer_id,
            subscription=subscription_id,
            message=words.TERMS % {"price": price, "period": period, "time": created_at},
        )


def prices(account: int | None = None) -> Iterator[Fault]:
    """A subscription's price is what its recorded changes made of it."""
    for change_id, subscription_id, customer_id, at, price, left_off in rows(PRICES, account=account):
        yield Fault(
            code="price_history_broken",
            account=customer_id,
            subscription=subscription_id,
            message=words.PRICES % {"id": change_id, "time": at, "price": price, "after": left_off},
        )


def jobs(account: int | None = None) -> Iterator[Fault]:
    """Every subscription has one job; it runs if and only if it is active and paid for, and stands on its place."""
    for row in rows(JOBS, account=account):
        subscription_id, customer_id, active, price, credit, job_id, runs, stands_at, written, pauses, expected = row
        about = {"account": customer_id, "subscription": subscription_id}
        if job_id is None:
            yield Fault(code="job_missing", **about, message=str(words.JOB_MISSING))
            continue
        if credit is None:
            continue  # `books.accounts` says so
        should_not = _why_paused(active=active, credit=credit, price=price)
        if runs and should_not:
            yield Fault(
                code="job_runs",
                **about,
                message=words.JOB_RUNS % {"time": written, "why": should_not},
            )
        if not runs and not should_not:
            yield Fault(
                code="job_paused",
                **about,
                message=words.JOB_PAUSED % {"credit": credit, "price": price, "time": when(expected)},
            )
        if runs and expected is None:
            yield Fault(
                code="job_misplaced",
                **about,
                message=words.JOB_NOWHERE % {"time": written},
            )
        elif runs and stands_at != expected:
            yield Fault(
                code="job_misplaced",
                **about,
                message=words.JOB_MISPLACED % {"stands": written, "time": when(expected)},
            )
        if runs and pauses:
            yield Fault(
                code="pause_left_open",
                **about,
                message=words.PAUSE_OPEN % {"pauses": counted(pauses, "pause")},
            )
        if not runs and not pauses:
            yield Fault(
                code="pause_missing",
                **about,
                message=str(words.PAUSE_MISSING),
            )


def _why_paused(*, active: bool, credit: int, price: int) -> str:
    """Why a job must be paused; empty where it must run."""
    if not active:
        return str(words.SWITCHED_OFF)
    return words.NOT_COVERED % {"credit": credit, "rest": price} if credit < price else ""


def orphans() -> Iterator[Fault]:
    """Every job is a subscription's."""
    for job_id, written in rows(ORPHANS):
        yield Fault(
            code="job_orphan",
            job=job_id,
            message=words.ORPHAN % {"time": written} if written else str(words.ORPHAN_PAUSED),
        )


def pauses(account: int | None = None) -> Iterator[Fault]:
    """Pauses begin and end on their grid, one after the other."""
    for pause_id, subscription_id, customer_id, begins, ends, before, overlaps, on_grid in rows(
        PAUSES, account=account
    ):
        about = {"account": customer_id, "subscription": subscription_id}
        span = {"id": pause_id, "begins": begins, "ends": ends or words.NOW}
        if overlaps:
            yield Fault(
                code="pause_overlaps",
                **about,
                message=words.OVERLAPS % {**span, "other_id": before},
            )
        if not on_grid:
            yield Fault(
                code="pause_off_grid",
                **about,
                message=words.OFF_GRID % span,
            )
