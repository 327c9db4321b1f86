"""What schedulers do beside billing, so that operators see how it goes."""

import logging
from collections.abc import Callable
from functools import wraps

from django.db import Error

from invoice.schedulers import Scheduler
from operators import presence, samples

logger = logging.getLogger(__name__)


def begin() -> None:
    """Has each scheduler that starts from now on do it."""
    Scheduler.housekeeping.update({_patient(presence.report): presence.EVERY, _patient(samples.sample): samples.EVERY})


def _patient(do: Callable[[], None]) -> Callable[[], None]:
    """Leaves for the next time what the database refuses. Passes, which it refuses too, say so loudly enough."""

    @wraps(do)
    def patiently() -> None:
        try:
            do()
        except Error as error:
            logger.info("%s is left for the next time: %s", do.__name__, error)

    return patiently
