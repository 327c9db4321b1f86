"""How long a newcomer waits: from `make run` to the first answer."""

import sys
import tempfile
import time
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from django.core.management import call_command

from bench.measure import Measured, in_turn
from tests import servers


def answer(*, quick: bool) -> list[Measured]:
    """B9, on SQLite: what `make run` uses where nothing is set."""
    with servers.database("") as url, tempfile.TemporaryDirectory() as directory:
        call_command("startproject", "empty", directory)
        seconds = in_turn(
            2 if quick else 7,
            "B9",
            partial(_first, ["make", "run", "PORT={port}"], servers.ROOT, "/subscription/list", DATABASE_URL=url),
            partial(_first, [sys.executable, "manage.py", "runserver", "{port}"], Path(directory), "/"),
        )
    return [
        Measured(
            name="B9", work="`make run` to the first answer", compared_with="`runserver` of an empty project",
            unit="s", reach=2, at_most=True, ours=seconds[0], others=seconds[1],
        )
    ]  # fmt: skip


def _first(command: list[str], directory: Path, path: str, **settings: str) -> float:
    """Seconds from the start of a server to its first answer, whatever that says."""
    port = servers.free_port()
    began = time.perf_counter()
    with servers.Process([word.format(port=port) for word in command], cwd=directory, **settings) as process:
        while True:
            assert process.popen.poll() is None, process.output
            assert time.perf_counter() < began + servers.PATIENCE, process.output
            connection = HTTPConnection("localhost", port)
            try:
                connection.request("GET", path)
                connection.getresponse().read()
                return time.perf_counter() - began
            except OSError:
                time.sleep(0.005)
            finally:
                connection.close()


MEASURES = {"answer": answer}
