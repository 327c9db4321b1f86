"""The brokers of the Celery engine for tests: RabbitMQ and Redis where they run, and a proxy that takes them away."""

import importlib.util
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests import servers

WORKER = "celery -A subscription_task worker --without-mingle --without-gossip --without-heartbeat"
"""The command of a worker, as the documents have it."""
URLS = {"RabbitMQ": "amqp://guest:guest@127.0.0.1:5672", "Redis": "redis://127.0.0.1:6379/15"}


@contextmanager
def queue(name: str) -> Iterator[dict[str, str]]:
    """The settings of a service that sends its hints by that broker, through a queue of its own that goes afterwards.

    Skips the test where that cannot be.
    """
    if importlib.util.find_spec("celery") is None:
        pytest.skip("wants Celery: pip install -r requirements-celery.txt")
    url = urlsplit(URLS[name])
    try:
        socket.create_connection((url.hostname, url.port), timeout=5).close()
    except OSError as error:
        pytest.skip(f"wants {name} at {url.hostname}:{url.port}: {error}")
    ours = f"test-{uuid.uuid4().hex}"
    try:
        yield {"INVOICE_ENGINE": "celery", "CELERY_BROKER_URL": URLS[name], "CELERY_QUEUE": ours}
    finally:
        with _channel(URLS[name]) as channel:
            if name == "Redis":
                # "unacked" are the hints of killed workers, which a later one would put back; losing one does nothing.
                channel.client.delete("unacked", "unacked_index", *channel.client.keys(f"*{ours}*"))
            else:
                channel.queue_delete(ours)
                channel.exchange_delete(ours)


def hints_waiting(settings: dict[str, str]) -> int:
    """How many hints no worker has taken yet."""
    with _channel(settings["CELERY_BROKER_URL"]) as channel:
        return channel.queue_declare(settings["CELERY_QUEUE"], durable=True, auto_delete=False).message_count


@contextmanager
def _channel(url: str) -> Iterator:
    kombu = pytest.importorskip("kombu")
    with kombu.Connection(url) as connection:
        yield connection.default_channel


class Proxy:
    """A port of ours that leads to a broker, until it is closed or told to stall."""

    def __init__(self, url: str) -> None:
        self._broker = urlsplit(url)
        self._sockets: list[socket.socket] = []
        self._stalled = threading.Event()
        self.port = servers.free_port()
        self.url = url.replace(f":{self._broker.port}", f":{self.port}")
        self.open()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Lets connections through."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def close(self) -> None:
        """Cuts all connections, and refuses others."""
        for each in (self._listener, *self._sockets):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was first
            each.close()
        self._sockets.clear()

    def stall(self) -> None:
        """Keeps all connections, takes new ones, and lets nothing through any more."""
        self._stalled.set()

    def heal(self) -> None:
        """Lets new connections through; those that have stalled stay so, as when a network parts for a while."""
        self._stalled = threading.Event()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            broker = socket.create_connection((self._broker.hostname, self._broker.port))
            self._sockets += [client, broker]
            for source, target in ((client, broker), (broker, client)):
                threading.Thread(target=self._pump, args=[source, target, self._stalled], daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, stalled: threading.Event) -> None:
        try:
            while data := source.recv(65536):
                if not stalled.is_set():
                    target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
