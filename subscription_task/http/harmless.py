"""What is done about an answer once it stands: it may fail, and the answer stands all the same."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Says in the log what went wrong in here, and lets nothing out.

    What the answer is about was committed: a client that is told of an error would do it a second time.
    """
    try:
        yield
    except Exception:
        logger.exception("%s failed; the answer stands", what)
