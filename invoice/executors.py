"""The executor that collects a pass."""

from datetime import datetime

from apscheduler.executors.base import BaseExecutor

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
