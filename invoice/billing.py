"""Claim → plan → write: the only code that charges. One account is a batch of one.

Everything here that writes needs an open transaction, and says so where it opens one.
"""

import gc
import logging
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import DataError, IntegrityError, connection, transaction

from customer import accounts, clock
from customer.accounts import Opened
from customer.errors import AccountBroken
from invoice import instants, jobs, plan, sql, tallies
from invoice.instants import SECOND
from subscription.models import Subscription, anchor

logger = logging.getLogger(__name__)

CLAIM = 2_000
"""The due jobs whose accounts a pass locks, for some 70 ms."""
MOST = 5_000
"""About how many invoices one transaction writes; in a backlog, a pass claims as many jobs."""


class WriteMismatch(Exception):
    """A statement did not find the rows that it was to change: somebody has broken them by hand."""


DAMAGE = (IntegrityError, DataError, OverflowError, ValueError, TypeError, WriteMismatch)
"""Errors that lie in an account's rows. Any other lies with the database, and passes."""


def a_pass(claim: int) -> Generator[list[plan.Account] | int, Collection[int], None]:
    """One pass in three steps, over one transaction, which claims so many due jobs and their accounts.

    Yields the claimed accounts, that with the oldest instant first; is sent the ids of those to bill; yields how many
    invoices were committed. Closed early, it rolls back.
    """
    collected: Collection[int] = ()
    try:
        with _without_collections(), transaction.atomic():
            sql.write_by_key()
            due = sql.query(sql.CLAIM, clock.now(), claim)
            claimed = read(list(dict.fromkeys(customer_id for (customer_id,) in due)))
            collected = yield claimed
            invoices = _bill([account for account in claimed if account.customer_id in collected])
    except DAMAGE:
        if not collected:
            raise
        logger.warning("A batch of %d accounts cannot be billed as one; halving it", len(collected))
        invoices = _bill_by_halves([account.customer_id for account in claimed if account.customer_id in collected])
    yield invoices


@contextmanager
def _without_collections() -> Iterator[None]:
    """No garbage collections meanwhile. The tens of thousands of objects of a pass would set off dozens; they hold no
    cycles and are gone with it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def run_pass() -> int:
    """One pass without APScheduler; returns how many invoices it wrote."""
    steps = a_pass(CLAIM)
    claimed = next(steps)
    return steps.send({account.customer_id for account in claimed})


def next_due() -> datetime | None:
    """The next instant at which a job of an account that is not set aside is due, perhaps in the past.

    One that cannot be read is long due: the pass that claims it sets its account aside.
    """
    found = sql.query(sql.NEXT_DUE)
    try:
        return instants.time(sql.instant(found[0][0])) if found else None
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def settle(opened: Opened) -> bool:
    """Bills what an open account has due; False where it was so much that only a slice of it was billed.

    Raises AccountBroken.
    """
    changes = plan.Changes()
    with _in_one_account(opened):
        (account,) = read([opened.customer_id], strict=True)
        settled = plan.settle(changes, account, instants.of(opened.at), MOST)
        _write(changes)
    return settled


def follow(opened: Opened) -> None:
    """Pauses and resumes the jobs of an open account as the rule wants it after a change. Raises AccountBroken."""
    changes = plan.Changes()
    for account in read([opened.customer_id], strict=True):
        with _in_one_account(opened):
            plan.follow(changes, account, instants.of(opened.at), opened.event)
            _write(changes, opened.by and opened.by.pk)


def add_job(opened: Opened, subscription: Subscription) -> None:
    """Gives a subscription of an open account its one job: running or, by the rule, paused from the start."""
    at, changes = instants.of(opened.at), plan.Changes()
    job = plan.Job(
        subscription_id=subscription.pk,
        price=subscription.price,
        period=subscription.period * SECOND,
        anchor=instants.of(anchor(subscription.created_at)),
        active=subscription.isactive,
        next=None,
    )
    plan.begin(changes, plan.Account(opened.customer_id, accounts.credit(opened), at, [job]), job, at)
    jobs.add(subscription, next_run_time=None if job.next is None else instants.time(job.next))
    _write_pauses(changes, opened.by and opened.by.pk)


def switch_job(opened: Opened, subscription: Subscription, *, runs: bool) -> None:
    """Pauses or resumes one job of an open account, whatever the rule says. Raises AccountBroken."""
    (account,) = read([opened.customer_id], strict=True)
    (job,) = (job for job in account.jobs if job.subscription_id == subscription.pk)
    changes = plan.Changes()
    with _in_one_account(opened):
        plan.switch(changes, job, instants.of(opened.at), opened.event, runs=runs)
        _write(changes, opened.by and opened.by.pk)


def _bill(claimed: list[plan.Account]) -> int:
    """Plans and writes what locked accounts have due; those whose rows contradict each other are set aside.

    Each has its share of what a transaction may write, so that one that is very late does not hold the others up.
    """
    now, changes = instants.of(clock.now()), plan.Changes()
    share = max(MOST // max(len(claimed), 1), 1)
    for account in claimed:
        if len(changes.charges) >= MOST:
            break
        try:
            plan.settle(changes, account, max(now, account.settled_until), share)
        except AccountBroken as broken:
            accounts.set_aside(customer_id=broken.customer_id, error=broken.fault)
    _write(changes)
    return len(changes.charges)


def _bill_by_halves(customer_ids: list[int]) -> int:
    """Bills accounts in transactions of their own, halving a batch that fails: at one account, that is set aside."""
    try:
        with transaction.atomic():
            locked = {customer_id for (customer_id,) in sql.query(sql.LOCK, customer_ids)}
            return _bill(read([customer_id for customer_id in customer_ids if customer_id in locked]))
    except DAMAGE as error:
        if len(customer_ids) > 1:
            middle = len(customer_ids) // 2
            halves = customer_ids[:middle], customer_ids[middle:]
            return sum(_bill_by_halves(half) for half in halves)
        accounts.set_aside(customer_id=customer_ids[0], error=str(error))
        return 0


def read(customer_ids: list[int], *, strict: bool = False) -> list[plan.Account]:
    """Locked accounts, in that order, with all their jobs.

    One that cannot be read is set aside; if `strict`, raises AccountBroken.
    """
    found: dict[int, plan.Account] = {}
    broken: dict[int, str] = {}
    parse = sql.parser(sql.READ_COLUMNS)
    for row in sql.query(sql.READ, customer_ids):
        try:
            customer_id, credit, settled, subscription_id, price, period, created, active, due, has_job = parse(row)
            account = found.get(customer_id)
            if account is None:
                account = found[customer_id] = plan.Account(customer_id, credit, settled, [])
            if subscription_id is None:
                continue
            if not has_job:
                raise ValueError(f"subscription {subscription_id} has no job")
            if due is not None and due < instants.FIRST:
                raise ValueError(f"the job of subscription {subscription_id} stands before the year 1")
            grid = period * SECOND, created - created % SECOND
            account.jobs.append(plan.Job(subscription_id, price, *grid, active, due))
        except (ValueError, TypeError) as error:
            broken.setdefault(row[0], str(error))
    for customer_id, error in broken.items():
        if strict:
            raise AccountBroken(customer_id, error)
        accounts.set_aside(customer_id=customer_id, error=error)
        found.pop(customer_id, None)
    return [found[customer_id] for customer_id in customer_ids if customer_id in found]


@contextmanager
def _in_one_account(opened: Opened) -> Iterator[None]:
    """Damage met in here is that account's. Raises AccountBroken."""
    try:
        yield
    except DAMAGE as error:
        raise AccountBroken(opened.customer_id, str(error)) from error


def _write(changes: plan.Changes, by: int | None = None) -> None:
    """Writes what was planned, one statement for each table. Raises one of DAMAGE."""
    sql.write(sql.WRITE_INVOICES, sql.INVOICE_COLUMNS, changes.charges)
    sql.write(sql.WRITE_TALLIES[connection.vendor], sql.TALLY_COLUMNS, tallies.of(changes.charges))
    charged, moved = changes.charged, list(changes.moved.items())
    _expect(len(charged), sql.write(sql.WRITE_ACCOUNTS, sql.ACCOUNT_COLUMNS, charged), "account")
    _expect(len(moved), sql.write(sql.WRITE_JOBS, sql.JOB_COLUMNS, moved), "job")
    _write_pauses(changes, by)
    resumes = [
        (resumed.subscription_id, resumed.restored_from, resumed.at, resumed.event.value, by)
        for resumed in changes.resumes
    ]
    _expect(len(resumes), sql.write(sql.WRITE_RESUMES, sql.RESUME_COLUMNS, resumes), "open pause")


def _write_pauses(changes: plan.Changes, by: int | None) -> None:
    rows = [
        (paused.subscription_id, paused.withheld_from, paused.at, paused.because.value, paused.event.value, by)
        for paused in changes.pauses
    ]
    sql.write(sql.WRITE_PAUSES, sql.PAUSE_COLUMNS, rows)


def _expect(planned: int, written: int, what: str) -> None:
    if planned != written:
        raise WriteMismatch(f"{planned} {what} rows were to be written, {written} were there")
