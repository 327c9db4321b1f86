"""Brokers of our own, RabbitMQ and Redis, to be flushed, stopped and frozen as no other may be."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import kombu

from tests import servers
from tests.chaos.place import NotHere

QUEUE = "billing"
"""That of the hints, as `CELERY_QUEUE` has it where it is not set."""


class Broker:
    """A broker on a port, with no plugins and nothing on disk that would be missed, once `start` has been called."""

    named: str

    def __init__(self, directory: Path) -> None:
        """Raises NotHere where its program is not installed."""
        self.port = servers.free_port()
        self._directory = directory
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        """Returns once it accepts connections. Raises AssertionError where it does not come up."""
        self._process = servers.Process(self._command(), cwd=self._directory, **self._environment())
        servers.until(self._accepts, f"{self.named} to accept connections")

    def kill(self) -> None:
        """kill -9."""
        self._process.__exit__()

    def end(self) -> None:
        """SIGTERM, upon which it takes leave of its clients."""
        self._process.popen.terminate()
        self._process.popen.wait(servers.PATIENCE)
        self._process.__exit__()

    def freeze(self) -> None:
        """Its connections stay, and nothing is answered any more."""
        os.killpg(self._process.popen.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self._process.popen.pid, signal.SIGCONT)

    def flush(self) -> int:
        """Throws the queue away; returns how many hints waited in it."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends it for good."""
        self.kill()
        self._stack.close()

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _environment(self) -> dict[str, str]:
        return {}

    def _accepts(self) -> bool:
        assert self._process.popen.poll() is None, self._process.output
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class RabbitMQ(Broker):
    """A node of its own name, with a port mapper of its own: Erlang nodes of other owners do not see it."""

    named = "RabbitMQ"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        # Debian's command in the PATH becomes the user `rabbitmq`, and forgets the environment.
        self._server = _program("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
        self._mapper_port, self._node_port = servers.free_port(), servers.free_port()
        self._configuration = directory / "rabbitmq.conf"
        self._configuration.write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        directory.joinpath("plugins").write_text("[].")
        directory.joinpath("environment").touch()
        mapper = [_program("epmd"), "-port", str(self._mapper_port), "-address", "127.0.0.1"]
        self._stack.enter_context(servers.Process(mapper, cwd=directory))

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    def flush(self) -> int:
        with kombu.Connection(self.url) as connection:
            return connection.default_channel.queue_delete(QUEUE)

    def _command(self) -> list[str]:
        return [self._server]

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._directory),  # where Erlang keeps its cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_NODENAME": "chaos@localhost",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": str(self._directory),
            "RABBITMQ_LOG_BASE": str(self._directory),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self._configuration),
            "RABBITMQ_CONF_ENV_FILE": str(self._directory / "environment"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._directory / "plugins"),
        }


class Redis(Broker):
    """One that keeps nothing on disk: what it held is gone when it is."""

    named = "Redis"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._server = _program("redis-server")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> int:
        with kombu.Connection(self.url) as connection:
            waiting, _ = connection.default_channel.client.pipeline().llen(QUEUE).flushall().execute()
            return waiting

    def _command(self) -> list[str]:
        return [self._server, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


@contextmanager
def running(kind: type[Broker]) -> Iterator[Broker]:
    """A broker for the `with` block. Raises NotHere."""
    with tempfile.TemporaryDirectory() as directory:
        broker = kind(Path(directory))
        try:
            broker.start()
        except AssertionError as error:
            broker.close()
            raise NotHere(f"{kind.named} does not start: {str(error)[-1000:]}") from error
        try:
            yield broker
        finally:
            broker.close()


def _program(*names: str) -> str:
    """The first of the programs that is installed. Raises NotHere."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise NotHere(f"{names[-1]} is not installed")
    return found
