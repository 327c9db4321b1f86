"""Hints: messages to the Celery workers that something is due.

A hint says no more than that. A worker that gets one bills whatever it finds due, so a hint that is lost, doubled or
late changes nothing in the books.
"""

import logging
import threading
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

TASK = "invoice.tasks.bill_what_is_due"
PATIENCE = 1
"""The seconds that one exchange with the broker may take."""


class _Broker:
    """This process's connection to the broker, kept from hint to hint and dropped at the first error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: Any = None
        self._connection: Any = None
        self._away = False

    def send(self) -> bool:
        with self._lock:
            try:
                self._hint()
            except Exception as error:  # noqa: BLE001 - whatever it is, billing goes on without the broker
                self._disconnect()
                if not self._away:
                    logger.warning("The broker is away: %s", " ".join(f"{type(error).__name__}: {error}".split()))
                self._away = True
                return False
            if self._away:
                logger.info("The broker is back")
            self._away = False
            return True

    def _hint(self) -> None:
        """Sends a hint unless one waits: then all workers are busy, or gone, and hints would pile up for them.

        Celery's `expires` would not do: it goes by the worker's clock, and the broker keeps what has expired.
        """
        if self._connection is None:
            self._connect()
        queue, channel = self._app.conf.task_default_queue, self._connection.default_channel
        if not channel.queue_declare(queue=queue, durable=True, auto_delete=False).message_count:
            self._app.send_task(TASK, producer=self._app.amqp.Producer(channel), retry=False)

    def _connect(self) -> None:
        self._app = import_string(settings.CELERY_APPLICATION)
        self._connection = self._app.connection_for_write(
            connect_timeout=PATIENCE,
            transport_options={
                "max_retries": 0,
                # RabbitMQ's
                "read_timeout": PATIENCE,
                "write_timeout": PATIENCE,
                # Redis's
                "socket_connect_timeout": PATIENCE,
                "socket_timeout": PATIENCE,
            },
        )

    def _disconnect(self) -> None:
        """Drops the connection without a word to the broker, which may be what does not answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect(socket_timeout=PATIENCE)


_broker = _Broker()


def send() -> bool:
    """Tells the workers that something is due; False where the broker is away.

    Never raises, and takes seconds at the worst. Logs one line when the broker goes away and one when it is back.
    """
    return _broker.send()
