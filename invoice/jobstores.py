"""The job store that turns a round of APScheduler's loop into one pass of billing.

APScheduler 3.11 calls `get_due_jobs`, then for each job the executor and `update_job`, then `get_next_run_time`. So
the first claims, the middle ones only collect, and the last plans, writes and commits. Whatever goes wrong in one of
them must not escape: outside `get_due_jobs`, it would end the scheduler's thread while `running` stays True.
"""

import logging
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError
from django.db import close_old_connections, connection
from django_apscheduler.jobstores import DjangoJobStore

from customer import accounts, clock
from invoice import billing, jobs
from invoice.executors import CollectingExecutor
from invoice.jobs import DueJob
from subscription.models import Subscription

logger = logging.getLogger(__name__)

LOOK = timedelta(seconds=1)
"""The longest wait between passes, so that what other processes have written is seen."""
BREATH = timedelta(milliseconds=50)
"""The wait after a pass that found something due but could bill none of it: others hold those accounts."""


class InvoiceJobStore(DjangoJobStore):
    """The jobs of all subscriptions, in django-apscheduler's table."""

    def __init__(self, executor: CollectingExecutor) -> None:
        super().__init__()
        self.executor = executor
        self.last_good_pass: float | None = None
        """When a pass last ended well, by `time.monotonic()`."""
        self._pass: Generator | None = None
        self._failed = False
        self._failing = False

    def start(self, scheduler: Any, alias: str) -> None:
        """Without the stock listeners, which cost two rows and four commits a run: the invoice is the proof of it."""
        BaseJobStore.start(self, scheduler, alias)

    def shutdown(self) -> None:
        """Nothing to do: the thread that ran the passes closes its connection."""

    # --- a pass -----------------------------------------------------------------------------------

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Claims what is due, by our own clock, and leaves the transaction open for `get_next_run_time`."""
        self._abandon()
        try:
            if not connection.in_atomic_block:
                close_old_connections()
            due = billing.next_due()
            now = clock.now()
            if due is None or due > now:
                return []
            self.executor.customer_ids.clear()
            self._pass = billing.a_pass()
            claimed = next(self._pass)
            return [
                DueJob(job.subscription_id, account.customer_id, job.next)
                for account in claimed
                for job in account.jobs
                if job.next is not None and job.next <= now
            ]
        except Exception as error:
            self._fail(error)
            return []

    def get_next_run_time(self) -> datetime:
        """Bills what the executor has collected, and says when to look again.

        That is by the host's clock, by which APScheduler waits; billing may go by another.
        """
        wait = LOOK
        if not self._failed:
            try:
                wait = self._finish()
            except Exception as error:
                self._fail(error)
        self._failed = False
        return datetime.now(UTC) + wait

    def _finish(self) -> timedelta:
        invoices = 0
        if self._pass is not None:
            this, self._pass = self._pass, None
            invoices = this.send(self.executor.customer_ids)
        due, now = billing.next_due(), clock.now()
        self.last_good_pass = time.monotonic()
        if self._failing:
            self._failing = False
            logger.info("Passes succeed again")
        if due is None or due > now:
            return min(due - now, LOOK) if due else LOOK
        return timedelta(0) if invoices else BREATH

    def _fail(self, error: Exception) -> None:
        """Gives the pass up. One line when passes begin to fail; `_finish` has the one for when they succeed again."""
        self._abandon()
        connection.close()
        if not self._failing:
            logger.error("A pass failed; trying again every second", exc_info=error)
        self._failed = self._failing = True

    def _abandon(self) -> None:
        """Rolls an unfinished pass back."""
        if self._pass is not None:
            this, self._pass = self._pass, None
            try:
                this.close()
            except Exception:
                logger.exception("An unfinished pass could not be rolled back")

    # --- one job ----------------------------------------------------------------------------------

    def lookup_job(self, job_id: str) -> Job | None:
        """The job of the subscription with that id, or None."""
        return next(iter(self._jobs(pk=_number(job_id))), None)

    def get_all_jobs(self) -> list[Job]:
        """All jobs, by next run time, the paused ones last."""
        return sorted(self._jobs(), key=lambda job: (job.next_run_time is None, job.next_run_time))

    def add_job(self, job: Job) -> None:
        """Behind the open door: gives a subscription that has none its job, running or paused by the rule."""
        subscription = self._behind_the_door(job.id)
        if self._jobs(pk=subscription.pk):
            raise ConflictingIdError(job.id)
        billing.add_job(accounts.opened(), subscription)

    def update_job(self, job: Job) -> None:
        """In a pass: nothing, since the plan moves the job. Behind the open door: pauses or resumes it.

        On leaving the door, the rule has the last word.
        """
        if not isinstance(job, DueJob):
            subscription = self._behind_the_door(job.id)
            billing.switch_job(accounts.opened(), subscription, runs=job.next_run_time is not None)

    def remove_job(self, job_id: str) -> None:
        """Behind the open door: removes the job."""
        if self._pass is not None:
            logger.error("APScheduler wanted to remove job %s in a pass; it stays", job_id)
            return
        billing.remove_job(self._behind_the_door(job_id))

    def remove_all_jobs(self) -> None:
        raise RuntimeError("Each subscription has its job for as long as it lives: use subscriptions.delete().")

    def _behind_the_door(self, job_id: str) -> Subscription:
        opened = accounts.opened()
        if opened is None:
            raise RuntimeError(
                f"Job {job_id} belongs to an account: change its subscription instead, or call this within"
                " `with customer.accounts.door(customer_id, event=…):`"
            )
        subscription = Subscription.objects.filter(pk=_number(job_id), customer_id=opened.customer_id).first()
        if subscription is None:
            raise JobLookupError(job_id)
        return subscription

    def _jobs(self, **filters: Any) -> list[Job]:
        """Jobs built from their rows and subscriptions, the pickles unread."""
        found = []
        for subscription in Subscription.objects.with_job().filter(**filters):
            job = Job.__new__(Job)
            job.__setstate__(jobs.state(subscription, subscription.next_invoice_at))
            job._scheduler, job._jobstore_alias = self._scheduler, self._alias
            found.append(job)
        return found


def _number(job_id: str) -> int:
    """The subscription's id that a job's id is; 0, which is nobody's, where it is none."""
    return int(job_id) if job_id.isascii() and job_id.isdecimal() and len(job_id) <= 18 else 0
