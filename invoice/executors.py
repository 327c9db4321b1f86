"""The executor that collects a pass, and the one for housekeeping."""

import threading
from datetime import datetime

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.job import Job
from django.db import connections

from invoice.jobs import DueJob
from invoice.passes import Passes


class CollectingExecutor(BaseExecutor):
    """Notes whose jobs APScheduler submits; the end of the pass bills them all in one transaction."""

    def __init__(self, passes: Passes) -> None:
        super().__init__()
        self.passes = passes

    def submit_job(self, job: DueJob, run_times: list[datetime]) -> None:
        self.passes.collect(job.customer_id)

    _do_submit_job = submit_job  # BaseExecutor's own submit_job would count instances that nobody takes off again


class HousekeepingExecutor(BaseExecutor):
    """Runs each job in a thread of its own, which the end of the process does not wait for.

    APScheduler's pool would keep a process alive whose database does not answer.
    """

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        threading.Thread(target=self._run, args=(job, run_times), name=job.id, daemon=True).start()

    def _run(self, job: Job, run_times: list[datetime]) -> None:
        try:
            self._run_job_success(job.id, run_job(job, job._jobstore_alias, run_times, self._logger.name))
        finally:
            connections.close_all()
