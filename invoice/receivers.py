"""What billing does when an account's door opens, and when something behind it has changed."""

from typing import Any

from django.db import transaction

from customer.accounts import Opened
from invoice import billing, jobs
from invoice.schedulers import Scheduler
from subscription.models import Subscription


def bill_what_is_due(sender: Any, opened: Opened, **kwargs: Any) -> bool:
    """On account_opened: True once nothing is due at `opened.at`."""
    return billing.settle(opened)


def follow_the_rule(sender: Any, opened: Opened, **kwargs: Any) -> None:
    """On account_changed: pauses and resumes, and wakes the scheduler, which may have a sooner instant now."""
    billing.follow(opened)
    transaction.on_commit(Scheduler.wakeup, robust=True)  # what was committed stands, whoever wakes


def add_the_job(sender: Any, opened: Opened, subscription: Subscription, **kwargs: Any) -> None:
    """On subscription_created."""
    billing.add_job(opened, subscription)


def remove_the_job(sender: Any, opened: Opened, subscription: Subscription, **kwargs: Any) -> None:
    """On subscription_deleted."""
    jobs.remove(subscription)
