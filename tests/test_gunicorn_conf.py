"""gunicorn.conf.py: how long a file may take, and whose word is taken for https."""

import json
import socket
import sys
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests import servers

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals"),
]

PROBE = """
import json

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"scheme": environ["wsgi.url_scheme"]}).encode()]
"""


LONG = """
import time
from subscription_task.http import csv_files

def pieces():
    for number in range(6):
        time.sleep(0.6)  # what a piece takes
        yield f"{number}\\n"

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/csv")])
    return (piece.encode() for piece in csv_files.alive(pieces()))
"""


class Gunicorn(servers.Process):
    """A server that tells of itself."""

    def __init__(self, folder: Path, probe: str = PROBE, **settings: str) -> None:
        folder.joinpath("probe.py").write_text(probe)
        self.port = servers.free_port()
        command = [sys.executable, "-m", "gunicorn", "--config", str(servers.ROOT / "gunicorn.conf.py")]
        command += ["probe", "--bind", f"127.0.0.1:{self.port}"]
        settings = {"WEB_CONCURRENCY": "1", "PYTHONPATH": str(servers.ROOT)} | servers.PRODUCTION | settings
        super().__init__(command, cwd=folder, **settings)

    def tells(self, **headers: str) -> dict:
        return servers.until(lambda: self._ask(headers), "an answer")

    def _ask(self, headers: dict[str, str]) -> dict | None:
        assert self.popen.poll() is None, self.output
        try:
            with build_opener(ProxyHandler({})).open(
                Request(f"http://127.0.0.1:{self.port}/", headers=headers), timeout=servers.PATIENCE
            ) as answer:
                return json.load(answer)
        except OSError:
            return None


def test_a_file_may_take_longer_than_a_worker_may_hang(tmp_path):
    with Gunicorn(tmp_path, LONG, GUNICORN_CMD_ARGS="--timeout 1") as server:
        read = build_opener(ProxyHandler({})).open
        servers.until(lambda: _listens(server.port), "the server")
        with read(f"http://127.0.0.1:{server.port}/", timeout=servers.PATIENCE) as answer:
            assert answer.read() == b"0\n1\n2\n3\n4\n5\n"
        assert "WORKER TIMEOUT" not in server.output


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_gunicorn_believes_nobody_who_says_that_it_was_https(tmp_path):
    with Gunicorn(tmp_path, FORWARDED_ALLOW_IPS="*") as server:
        assert server.tells(**{"X-Forwarded-Proto": "https"})["scheme"] == "http"
