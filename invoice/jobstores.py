"""The job store that turns a round of APScheduler's loop into one pass of billing.

APScheduler 3.11 calls `get_due_jobs`, then for each job the executor and `update_job`, then `get_next_run_time`. So
the first claims, the middle ones only collect, and the last plans, writes and commits.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError
from django_apscheduler.jobstores import DjangoJobStore

from customer import accounts
from invoice import billing, jobs
from invoice.jobs import DueJob
from invoice.passes import Passes
from subscription.models import Subscription

logger = logging.getLogger(__name__)


class InvoiceJobStore(DjangoJobStore):
    """The jobs of all subscriptions, in django-apscheduler's table."""

    def __init__(self, passes: Passes) -> None:
        super().__init__()
        self.passes = passes

    def start(self, scheduler: Any, alias: str) -> None:
        """Without the stock listeners, which cost two rows and four commits a run: the invoice is the proof of it."""
        BaseJobStore.start(self, scheduler, alias)

    def shutdown(self) -> None:
        """Nothing to do: the thread that ran the passes closes its connection."""

    # --- a pass -----------------------------------------------------------------------------------

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Begins a pass, by our own clock."""
        return self.passes.begin()

    def get_next_run_time(self) -> datetime:
        """Ends the pass, and says when to look again: by the host's clock, by which APScheduler waits."""
        return self.passes.end() + datetime.now(UTC)

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
        """Behind the open door of a deletion: removes the job. A subscription that stays keeps its job."""
        if self.passes.under_way:
            logger.error("APScheduler wanted to remove job %s in a pass; it stays", job_id)
            return
        subscription = self._behind_the_door(job_id)
        if accounts.opened().event != accounts.Event.DELETION:
            raise RuntimeError(f"Job {job_id} stays as long as its subscription: use subscriptions.delete().")
        jobs.remove(subscription)

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
        for subscription in Subscription.objects.with_job().filter(**filters).order_by("pk"):
            job = Job.__new__(Job)
            job.__setstate__(jobs.state(*jobs.recipe(subscription, subscription.next_invoice_at)))
            job._scheduler, job._jobstore_alias = self._scheduler, self._alias
            found.append(job)
        return found


def _number(job_id: str) -> int:
    """The subscription's id that a job's id is; 0, which is nobody's, where it is none."""
    return int(job_id) if job_id.isascii() and job_id.isdecimal() and len(job_id) <= 18 else 0
