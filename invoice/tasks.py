"""What a Celery worker does when it gets a hint."""

import logging
import time

from celery import shared_task
from django.db import Error

from customer import clock
from invoice import billing, hints

logger = logging.getLogger(__name__)

TURN = 1
"""About how many seconds a worker bills for one hint, so that it can be stopped soon: Celery itself takes two to end.
More hints keep it at work."""


@shared_task(name=hints.TASK)
def bill_what_is_due() -> None:
    """Bills until nothing is due that others do not hold, or the turn is over.

    If the first pass has not done it all, there is work for one more worker: it passes the hint on. Where the database
    fails, what was not committed is billed after a later hint.
    """
    over = time.monotonic() + TURN
    invoices = 0
    try:
        while _is_due() and time.monotonic() < over and (written := billing.run_pass()):
            if not invoices and _is_due():
                hints.send()
            invoices += written
    except Error as error:
        logger.warning("The database failed: %s", " ".join(str(error).split()))
    if invoices:
        logger.info("Billed %d invoices", invoices)


def _is_due() -> bool:
    due = billing.next_due()
    return due is not None and due <= clock.now()
