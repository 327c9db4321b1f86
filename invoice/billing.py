"""Claim → plan → write: the only code that charges. One account is a batch of one.

Everything here that writes needs an open transaction, and says so where it opens one.
"""

import logging
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import DataError, IntegrityError, transaction

from customer import accounts, clock
from customer.accounts import Opened
from customer.errors import AccountBroken
from invoice import jobs, plan, sql
from subscription.models import Subscription, anchor

logger = logging.getLogger(__name__)

CLAIM = 2_000
"""The due jobs whose accounts one pass locks."""
MOST = 5_000
"""About how many invoices one transaction writes."""


class WriteMismatch(Exception):
    """A statement did not find the rows that it was to change: somebody has broken them by hand."""


DAMAGE = (IntegrityError, DataError, OverflowError, ValueError, TypeError, WriteMismatch)
"""Errors that lie in an account's rows. Any other lies with the database, and passes."""


def a_pass() -> Generator[list[plan.Account] | int, Collection[int], None]:
    """One pass in three steps, over one transaction.

    Yields the claimed accounts; is sent the ids of those to bill; yields how many invoices were committed. Closed
    early, it rolls back.
    """
    collected: Collection[int] = ()
    try:
        with transaction.atomic():
            due = sql.query(sql.CLAIM, clock.now(), CLAIM)
            claimed = _read(sorted({customer_id for (customer_id,) in due}))
            collected = yield claimed
            invoices = _bill([account for account in claimed if account.customer_id in collected])
    except DAMAGE:
        if not collected:
            raise
        logger.warning("A batch of %d accounts cannot be billed as one; halving it", len(collected))
        invoices = _bill_by_halves(sorted(collected))
    yield invoices


def run_pass() -> int:
    """One pass without APScheduler; returns how many invoices it wrote."""
    steps = a_pass()
    claimed = next(steps)
    return steps.send({account.customer_id for account in claimed})


def next_due() -> datetime | None:
    """The next instant at which a job of an account that is not set aside is due, perhaps in the past.

    One that cannot be read is long due: the pass that claims it sets its account aside.
    """
    found = sql.query(sql.NEXT_DUE)
    try:
        return sql.instant(found[0][0]) if found else None
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def settle(opened: Opened) -> bool:
    """Bills what an open account has due; False where it was so much that only a slice of it was billed.

    Raises AccountBroken.
    """
    with _in_one_account(opened):
        (account,) = _read([opened.customer_id], strict=True)
        outcome = plan.settle(account, opened.at, MOST)
        _write_charges([outcome])
        _write_jobs([outcome])
    return outcome.settled


def follow(opened: Opened) -> None:
    """Pauses and resumes the jobs of an open account as the rule wants it after a change. Raises AccountBroken."""
    for account in _read([opened.customer_id], strict=True):
        with _in_one_account(opened):
            _write_jobs([plan.follow(account, opened.at, opened.event)], opened.by and opened.by.pk)


def add_job(opened: Opened, subscription: Subscription) -> None:
    """Gives a subscription of an open account its one job: running or, by the rule, paused from the start."""
    job = plan.Job(
        subscription_id=subscription.pk,
        price=subscription.price,
        period=timedelta(seconds=subscription.period),
        anchor=anchor(subscription.created_at),
        active=subscription.isactive,
        next=None,
    )
    account = plan.Account(opened.customer_id, accounts.credit(opened), opened.at, [job])
    outcome = plan.begin(account, job, opened.at)
    jobs.add(subscription, next_run_time=job.next)
    _write_pauses(outcome.pauses, opened.by and opened.by.pk)


def switch_job(opened: Opened, subscription: Subscription, *, runs: bool) -> None:
    """Pauses or resumes one job of an open account, whatever the rule says. Raises AccountBroken."""
    (account,) = _read([opened.customer_id], strict=True)
    (job,) = (job for job in account.jobs if job.subscription_id == subscription.pk)
    with _in_one_account(opened):
        _write_jobs([plan.switch(account, job, opened.at, opened.event, runs=runs)], opened.by and opened.by.pk)


def _bill(claimed: list[plan.Account]) -> int:
    """Plans and writes what locked accounts have due; those whose rows contradict each other are set aside.

    Each has its share of what a transaction may write, so that one that is very late does not hold the others up.
    """
    now = clock.now()
    share = max(MOST // max(len(claimed), 1), 1)
    outcomes, invoices = [], 0
    for account in claimed:
        if invoices >= MOST:
            break
        try:
            outcome = plan.settle(account, max(now, account.settled_until), share)
        except AccountBroken as broken:
            accounts.set_aside(customer_id=broken.customer_id, error=broken.fault)
            continue
        outcomes.append(outcome)
        invoices += len(outcome.charges)
    _write_charges(outcomes)
    _write_jobs(outcomes)
    return invoices


def _bill_by_halves(customer_ids: list[int]) -> int:
    """Bills accounts in transactions of their own, halving a batch that fails: at one account, that is set aside."""
    try:
        with transaction.atomic():
            locked = [customer_id for (customer_id,) in sql.query(sql.LOCK, customer_ids)]
            return _bill(_read(sorted(locked)))
    except DAMAGE as error:
        if len(customer_ids) > 1:
            middle = len(customer_ids) // 2
            halves = customer_ids[:middle], customer_ids[middle:]
            return sum(_bill_by_halves(half) for half in halves)
        accounts.set_aside(customer_id=customer_ids[0], error=str(error))
        return 0


def _read(customer_ids: list[int], *, strict: bool = False) -> list[plan.Account]:
    """Locked accounts with all their jobs. One that cannot be read is set aside; if `strict`, raises AccountBroken."""
    found: dict[int, plan.Account] = {}
    broken: dict[int, str] = {}
    for row in _rows(customer_ids, broken):
        customer_id, credit, settled_until, subscription_id, price, period, created_at, active, job_id, next_run = row
        if customer_id in broken:
            continue
        try:
            if customer_id not in found:
                found[customer_id] = plan.Account(
                    customer_id, _whole(credit, "credit"), _time(settled_until, "settled_until"), []
                )
            if subscription_id is None:
                continue
            if job_id is None:
                raise ValueError(f"subscription {subscription_id} has no job")
            found[customer_id].jobs.append(
                plan.Job(
                    subscription_id,
                    _whole(price, "price"),
                    timedelta(seconds=_whole(period, "period")),
                    anchor(_time(created_at, "created_at")),
                    bool(active),
                    sql.instant(next_run),
                )
            )
        except (ValueError, OverflowError) as error:
            broken[customer_id] = str(error)
            found.pop(customer_id, None)
    for customer_id, error in broken.items():
        if strict:
            raise AccountBroken(customer_id, error)
        accounts.set_aside(customer_id=customer_id, error=error)
    return list(found.values())


def _rows(customer_ids: list[int], broken: dict[int, str]) -> list[tuple]:
    """What READ finds. A row that Python cannot even fetch is found by halves, and its account added to `broken`."""
    try:
        return sql.query(sql.READ, customer_ids)
    except DAMAGE as error:
        if len(customer_ids) == 1:
            broken[customer_ids[0]] = str(error)
            return []
        middle = len(customer_ids) // 2
        return _rows(customer_ids[:middle], broken) + _rows(customer_ids[middle:], broken)


def _whole(value: object, what: str) -> int:
    if type(value) is not int:  # SQLite stores anything anywhere
        raise ValueError(f"its {what} is {value!r}, which is no whole number")
    return value


def _time(value: object, what: str) -> datetime:
    if (time := sql.instant(value)) is None:
        raise ValueError(f"it has no {what}")
    return time


@contextmanager
def _in_one_account(opened: Opened) -> Iterator[None]:
    """Damage met in here is that account's. Raises AccountBroken."""
    try:
        yield
    except DAMAGE as error:
        raise AccountBroken(opened.customer_id, str(error)) from error


def _write_charges(outcomes: list[plan.Outcome]) -> None:
    """Writes invoices and moves accounts on, one statement for each. Raises one of DAMAGE."""
    charges = [charge for outcome in outcomes for charge in outcome.charges]
    moved = [
        (
            outcome.account.customer_id,
            sum(charge.amount for charge in outcome.charges),
            len(outcome.charges),
            outcome.account.settled_until,
        )
        for outcome in outcomes
    ]
    sql.write(sql.WRITE_INVOICES, sql.INVOICE_COLUMNS, charges)
    _expect(len(moved), sql.write(sql.WRITE_ACCOUNTS, sql.ACCOUNT_COLUMNS, moved), "account")


def _write_jobs(outcomes: list[plan.Outcome], by: int | None = None) -> None:
    """Moves, pauses and resumes jobs, one statement for each. Raises one of DAMAGE."""
    moved = [(str(job_id), next_run) for outcome in outcomes for job_id, next_run in outcome.moved()]
    pauses = [paused for outcome in outcomes for paused in outcome.pauses]
    resumes = [
        (resumed.subscription_id, resumed.restored_from, resumed.at, resumed.event.value, by)
        for outcome in outcomes
        for resumed in outcome.resumes
    ]
    _expect(len(moved), sql.write(sql.WRITE_JOBS, sql.JOB_COLUMNS, moved), "job")
    _write_pauses(pauses, by)
    _expect(len(resumes), sql.write(sql.WRITE_RESUMES, sql.RESUME_COLUMNS, resumes), "open pause")


def _write_pauses(pauses: list[plan.Paused], by: int | None) -> None:
    rows = [
        (
            paused.subscription_id,
            paused.withheld_from,
            paused.at,
            paused.because.value,
            paused.event.value,
            by,
        )
        for paused in pauses
    ]
    sql.write(sql.WRITE_PAUSES, sql.PAUSE_COLUMNS, rows)


def _expect(planned: int, written: int, what: str) -> None:
    if planned != written:
        raise WriteMismatch(f"{planned} {what} rows were to be written, {written} were there")
