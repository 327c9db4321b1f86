"""The executor that collects a pass."""

from datetime import datetime

from apscheduler.executors.base import BaseExecutor

from invoice.jobs import DueJob


class CollectingExecutor(BaseExecutor):
    """Notes whose jobs APScheduler submits; the job store then bills them all in one transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.customer_ids: set[int] = set()

    def submit_job(self, job: DueJob, run_times: list[datetime]) -> None:
        self.customer_ids.add(job.customer_id)

    def _do_submit_job(self, job: DueJob, run_times: list[datetime]) -> None:
        raise NotImplementedError("submit_job is all there is")
