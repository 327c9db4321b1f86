"""gunicorn's own lines, in the form of all others: gunicorn.conf.py names the class."""

import logging
from typing import Any

from gunicorn import glogging

from subscription_task import logs


class Logger(glogging.Logger):
    """gunicorn's, but for the form. Its access log stays off unless asked for: RequestLog writes one."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers + self.access_log.handlers:
            handler.setFormatter(logs.formatter(readable=False))
        logging.captureWarnings(True)
