"""What a scheduler does beside billing, at its own pace: by a clock that nobody sets."""

import logging
import threading
from collections.abc import Callable, Mapping

from django.db import connections

logger = logging.getLogger(__name__)


class Housekeeping:
    """Does each thing at once and then every so many seconds, in a thread of its own, until `end`.

    APScheduler's intervals go by the host's clock: one put back by two hours would stop them for as long, and one put
    ahead by a year would have it list each run that it missed, while billing waits. The end of the process does not
    wait for these threads, whose database may not answer.
    """

    def __init__(self, things: Mapping[Callable[[], None], float]) -> None:
        self._ended = threading.Event()
        for do, seconds in things.items():
            threading.Thread(target=self._go_on, args=(do, seconds), name=do.__name__, daemon=True).start()

    def end(self) -> None:
        """Begins nothing more; what is under way goes on."""
        self._ended.set()

    def _go_on(self, do: Callable[[], None], seconds: float) -> None:
        while not self._ended.is_set():
            try:
                do()
            except Exception:
                logger.exception("%s failed; it is done again in %s s", do.__name__, seconds)
            finally:
                connections.close_all()
            self._ended.wait(seconds)
