"""The passes of one scheduler: who does the next one, what becomes of a failure, and when to look again.

Whatever goes wrong in a pass must not escape: outside `get_due_jobs`, APScheduler would let its thread end while its
`running` stays True.
"""

import logging
import time
from collections.abc import Generator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import close_old_connections, connection, reset_queries

from customer import clock
from invoice import billing, hints, instants
from invoice.jobs import DueJob
from invoice.standby import HostLock
from invoice.work import Work

logger = logging.getLogger(__name__)

LOOK = timedelta(seconds=1)
"""The longest wait between passes, so that what other processes have written is seen."""
BREATH = timedelta(milliseconds=50)
"""The wait after a pass that found something due but could bill none of it: others hold those accounts."""
REST = timedelta(milliseconds=150)
"""The wait after each pass on SQLite, whose writers do not queue: longer than a request sleeps between two tries."""
PATIENCE = timedelta(seconds=5)
"""How late the oldest instant may be before a scheduler bills what it had left to others."""


class Passes:
    """Begun, given what to bill, and ended by the job store, over and over, in one thread."""

    def __init__(self, lock: HostLock) -> None:
        self.last_good: float | None = None
        """When a pass last ended well, by `time.monotonic()`."""
        self.failing = False
        self.left_to_others = False
        """Whether it left what it last saw due to another scheduler, or to Celery's workers."""
        self.work = Work()
        self._lock = lock
        self._pass: Generator | None = None
        self._collected: set[int] = set()
        self._given_up = self._stands_by = False
        self._hinted, self._hinted_at = False, float("-inf")
        self._began = 0.0
        self._left: datetime | None = None
        """The last instant of a pass that claimed all it may: there is hardly nothing after it."""
        self._seen: datetime | None = None
        """What `end` saw due and left to the next pass, which is then one of a backlog."""

    @property
    def under_way(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self._pass is not None

    def begin(self) -> list[DueJob]:
        """Claims what is due, if that is for this scheduler to bill, and leaves the transaction open for `end`."""
        self._abandon()
        self._collected.clear()
        self._given_up = self._stands_by = False
        self._left = None
        try:
            if not connection.in_atomic_block:
                close_old_connections()
            reset_queries()  # under DEBUG, Django keeps the last 9,000 statements with all their rows
            seen, self._seen = self._seen, None
            now = clock.now()
            due = seen if seen and seen <= now else billing.next_due()
            if due is None or due > now:
                return []
            self._stands_by = self.left_to_others = self._is_for_others(lag=now - due)
            if self._stands_by:
                return []
            self._began = time.monotonic()
            claim, at = billing.MOST if seen else billing.CLAIM, instants.of(now)
            self._pass = billing.a_pass(claim)
            jobs = [
                DueJob(job.subscription_id, account.customer_id, instants.time(job.next))
                for account in next(self._pass)
                for job in account.jobs
                if job.next is not None and job.next <= at
            ]
            if len(jobs) >= claim:
                self._left = jobs[-1].next_run_time
            return jobs
        except Exception as error:
            self._fail(error)
            return []

    def collect(self, customer_id: int) -> None:
        """Notes an account whose jobs are to be billed with the pass under way."""
        self._collected.add(customer_id)

    def end(self) -> timedelta:
        """Bills what was collected, in one transaction, and says how long to wait for the next pass."""
        if not self._given_up:
            try:
                return self._finish()
            except Exception as error:
                self._fail(error)
        return LOOK

    def _finish(self) -> timedelta:
        invoices = 0
        if self._pass is not None:
            this, self._pass = self._pass, None
            invoices = this.send(self._collected)
        due, now = self._left if invoices and self._left else billing.next_due(), clock.now()
        self.last_good = time.monotonic()
        if invoices:
            self.work.count(at=now, invoices=invoices, seconds=self.last_good - self._began)
        if self.failing:
            self.failing = False
            logger.info("Passes succeed again")
        if due is None or self._stands_by:
            return LOOK
        if due > now:
            return min(due - now, LOOK)
        if not invoices:
            return BREATH
        self._seen = due
        return REST if connection.vendor == "sqlite" else timedelta(0)

    def _is_for_others(self, *, lag: timedelta) -> bool:
        """Whether another scheduler of this host bills, or Celery's workers do; not once it is late."""
        others = not self._lock.held() or settings.INVOICE_ENGINE == "celery" and self._hint()
        return others and lag <= PATIENCE

    def _hint(self) -> bool:
        """Tells the workers that something is due, at most once a LOOK; False where the broker is away."""
        if time.monotonic() - self._hinted_at >= LOOK.total_seconds():
            self._hinted = hints.send()
            self._hinted_at = time.monotonic()
        return self._hinted

    def _fail(self, error: Exception) -> None:
        """Gives the pass up. One line when passes begin to fail; `_finish` has the one for when they succeed again."""
        self._abandon()
        connection.close()
        if not self.failing:
            logger.error("A pass failed; trying again every second", exc_info=error)
        self._given_up = self.failing = True
        self.work.failures += 1

    def _abandon(self) -> None:
        """Rolls an unfinished pass back."""
        if self._pass is not None:
            this, self._pass = self._pass, None
            try:
                this.close()
            except Exception:
                logger.exception("An unfinished pass could not be rolled back")
