"""The APScheduler jobs of subscriptions: rows of django-apscheduler's table, which only this app writes.

`id` is the subscription's id as text; `next_run_time` is NULL while the job is paused, and is the schedule. The pickle
beside them is for tools that want one: written with the job, never read for billing, never rewritten.
"""

import pickle
from datetime import UTC, datetime
from typing import Any

from apscheduler.job import Job
from apscheduler.triggers.interval import IntervalTrigger
from django_apscheduler.models import DjangoJob

from subscription.models import Subscription, anchor

STORE = "invoices"
"""The alias of the job store, and of the executor, in the scheduler."""


def make_invoice(subscription_id: int) -> None:
    """What a job refers to. It is never called: the executor collects a pass, and billing writes it as one."""
    raise RuntimeError(f"Invoices of subscription {subscription_id} are made by invoice.billing, in passes.")


class AsPlanned:
    """A trigger that changes nothing: the instants come from the plan, not from APScheduler's arithmetic."""

    def get_next_fire_time(self, previous: datetime, now: datetime) -> datetime:
        return previous


class DueJob(Job):
    """A due job of a pass: just what APScheduler's loop looks at, since there can be thousands."""

    trigger = AsPlanned()
    executor = STORE
    coalesce = False
    max_instances = 1
    misfire_grace_time = None

    def __init__(self, subscription_id: int, customer_id: int, next_run_time: datetime) -> None:
        self.id = str(subscription_id)
        self.customer_id = customer_id
        self.next_run_time = next_run_time

    @property
    def name(self) -> str:
        return f"invoice of subscription {self.id}"

    def _get_run_times(self, now: datetime) -> list[datetime]:
        return [self.next_run_time]

    def _modify(self, **changes: Any) -> None:
        pass


def state(subscription_id: int, period: int, began: int, next_run_time: int | None) -> dict[str, Any]:
    """A job's state as APScheduler 3 pickles it. Times are in seconds since 1970, the period is in seconds."""
    start = datetime.fromtimestamp(began, UTC)
    return {
        "version": 1,
        "id": str(subscription_id),
        "func": f"{make_invoice.__module__}:{make_invoice.__name__}",
        "trigger": IntervalTrigger(seconds=period, start_date=start, timezone=UTC),
        "executor": STORE,
        "args": (subscription_id,),
        "kwargs": {},
        "name": f"invoice of subscription {subscription_id}",
        "misfire_grace_time": None,
        "coalesce": False,
        "max_instances": 1,
        "next_run_time": None if next_run_time is None else datetime.fromtimestamp(next_run_time, UTC),
    }


class Recipe(tuple):
    """What `state` needs. Pickled, it comes back as the state, in an eighth of the room: there can be millions of rows,
    and each is written anew every period.
    """

    def __reduce__(self) -> tuple:
        return state, tuple(self)


def recipe(subscription: Subscription, next_run_time: datetime | None) -> Recipe:
    """The recipe of a subscription's job."""
    began = int(anchor(subscription.created_at).timestamp())
    return Recipe((subscription.pk, subscription.period, began, next_run_time and int(next_run_time.timestamp())))


def add(subscription: Subscription, *, next_run_time: datetime | None) -> None:
    """Inserts the subscription's job."""
    DjangoJob.objects.create(
        id=str(subscription.pk),
        next_run_time=next_run_time,
        job_state=pickle.dumps(recipe(subscription, next_run_time), pickle.HIGHEST_PROTOCOL),
    )


def remove(subscription: Subscription) -> None:
    """Deletes the subscription's job."""
    DjangoJob.objects.filter(pk=str(subscription.pk)).delete()
