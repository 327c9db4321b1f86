"""Who bills: each process with a scheduler says every few seconds what it has done."""

import os
import socket
from datetime import datetime, timedelta

from django.db.models import Q

from customer import clock
from invoice.schedulers import Scheduler
from operators.models import SchedulerProcess

EVERY = 5
"""The seconds between two reports."""
LOST = timedelta(seconds=4 * EVERY)
"""Unheard of for so long, a process is gone, or its database is."""
KEPT = timedelta(days=1)
"""How long one that is gone can still be looked at."""

_started_at: dict[int, datetime] = {}
"""When this process first reported, by its number: a fork is another process."""


def report() -> None:
    """Writes how the scheduler of this process does. Raises django.db.Error."""
    now, work = clock.now(), Scheduler.passes.work
    started_at = _started_at.setdefault(os.getpid(), now)
    SchedulerProcess.objects.update_or_create(
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=started_at,
        defaults={
            "seen_at": now,
            "state": _state(),
            "passes": work.passes,
            "invoices": work.invoices,
            "seconds": work.seconds,
            "failures": work.failures,
            "up_to": work.up_to,
            "last_at": work.last_at,
            "last_invoices": work.last_invoices,
            "last_seconds": work.last_seconds,
        },
    )
    SchedulerProcess.objects.filter(Q(seen_at__lt=now - KEPT) | Q(seen_at__gt=now + clock.APART)).delete()


def is_heard_of(process: SchedulerProcess, *, at: datetime) -> bool:
    """Whether the process has reported lately."""
    return clock.believed(process.seen_at, now=at) and at - process.seen_at <= LOST


def _state() -> str:
    if Scheduler.passes.failing:
        return SchedulerProcess.State.FAILS
    return SchedulerProcess.State.STANDS_BY if Scheduler.passes.left_to_others else SchedulerProcess.State.BILLS
