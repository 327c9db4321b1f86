"""Real processes of the service, on databases of their own, for the tests that want nothing simulated.

Everything started here is over when its `with` block is: the whole process group is killed, the database dropped.
"""

import atexit
import functools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import psycopg
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, "manage.py"]
DATABASE_ERRORS = (sqlite3.Error, psycopg.Error)
PATIENCE = 180
"""The seconds after which a poll gives up; only a failure takes so long, also on a machine that is busy otherwise."""

SETTINGS = set(
    re.findall(r'environment\.\w+\(\s*"(\w+)"', Path(ROOT, "subscription_task/settings.py").read_text("utf-8"))
)
"""The names that the settings read from the environment."""

PRODUCTION = {
    "DJANGO_DEBUG": "off",
    "DJANGO_SECRET_KEY": "a key of a test's own: it protects nothing, and is long enough",
    "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
    "SELF_SERVICE_TOP_UP": "on",
    "DJANGO_HTTPS": "off",
}
GUNICORN = [sys.executable, "-m", "gunicorn", "subscription_task.wsgi", "--no-control-socket", "--workers", "2"]
GUNICORN += ["--graceful-timeout", "3"]  # as gunicorn.conf.py has it, which not every version had
COMMANDS = {
    "serve": [*MANAGE, "serve", "{port}"],
    "runserver": [*MANAGE, "runserver", "--noreload", "127.0.0.1:{port}"],
    "runserver with its reloader": [*MANAGE, "runserver", "127.0.0.1:{port}"],
    "gunicorn": [*GUNICORN, "--bind", "127.0.0.1:{port}"],
    "gunicorn --preload": [*GUNICORN, "--preload", "--bind", "127.0.0.1:{port}"],
    "gunicorn --threads": [*GUNICORN, "--threads", "4", "--bind", "127.0.0.1:{port}"],
    "uvicorn": [sys.executable, "-m", "uvicorn", "subscription_task.asgi:application", "--port", "{port}"],
}


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with no settings of the service but the ones given."""
    ours = SETTINGS | {"PYTHONWARNINGS", "RUN_MAIN"}
    return {name: value for name, value in os.environ.items() if name not in ours} | settings


def until(condition: Callable[[], Any], what: str) -> Any:
    """Polls until `condition` gives something true, and returns that."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.05)
    return found


def shell(commands: str, *, cwd: Path = ROOT, tools: Path | None = None, **settings: str) -> str:
    """What commands of a document print, in bash with this Python and, first, the programs in `tools`. All must
    succeed.
    """
    variables = environment(**settings)
    folders = [tools, Path(sys.executable).parent, variables["PATH"]]
    variables["PATH"] = ":".join(str(folder) for folder in folders if folder)
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess:
    """Runs a management command to its end."""
    return subprocess.run(
        [*MANAGE, *arguments],
        cwd=ROOT,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def collect_static() -> None:
    """Puts the static files where production servers find them; tests that run beside this one wait."""
    with FileLock(ROOT / "static.lock"):
        done = manage("collectstatic", "--noinput", "--verbosity", "0")
    assert done.returncode == 0, done.stderr


class Process:
    """A process of the service in a group of its own, and what it says on stdout and stderr."""

    def __init__(self, command: list[str], *, cwd: Path = ROOT, **settings: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - __exit__ closes it
        self.popen = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        self._output.close()

    @property
    def output(self) -> str:
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def says(self, text: str) -> None:
        """Waits until the output holds `text`."""
        until(lambda: text in self.output or self.popen.poll() is not None, f"{text!r} in\n{self.output}")
        assert text in self.output, self.output

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal to the process alone and returns its exit code; it has 5 seconds."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout=5)

    def kill(self) -> None:
        """kill -9 for the whole group."""
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()


class Server(Process):
    """A server that answers at `url`."""

    def __init__(self, kind: str, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        production = {} if kind.startswith("runserver") else PRODUCTION
        super().__init__([word.format(port=self.port) for word in COMMANDS[kind]], **production | settings)
        try:
            until(lambda: self._answers("/healthz"), "the server's first answer")
        except AssertionError:
            self.kill()
            raise AssertionError(self.output) from None

    def _answers(self, path: str) -> bool:
        assert self.popen.poll() is None, "the server is gone"
        try:
            return self.call("GET", path)[0] == 200
        except (URLError, OSError):
            return False

    def is_ready(self) -> None:
        """Waits until the server says that it can do its work."""
        until(lambda: self._answers("/readyz"), "the server to be ready")

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """One request; returns the status and the JSON of the answer."""
        return request(self.url, method, path, body, token)

    def invoices(self, token: str) -> list[dict[str, Any]]:
        """The customer's invoices, oldest first."""
        status, answer = self.call("GET", "/invoice/list?page_size=1000", token=token)
        assert status == 200, answer
        return answer["invoices"][::-1]


def request(
    url: str, method: str, path: str, body: Any = None, token: str = "", *, timeout: float = PATIENCE
) -> tuple[int, Any]:
    """One request to a server; returns the status and the JSON of the answer. Raises OSError where there is none."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    sent = Request(url + path, data=data, headers=headers, method=method)
    try:
        with build_opener(ProxyHandler({})).open(sent, timeout=timeout) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def database(given: str | None = None) -> Iterator[str]:
    """The URL of a fresh, migrated database: on PostgreSQL beside the `given` one, the test run's, else a file."""
    given = os.environ.get("DATABASE_URL", "") if given is None else given
    template = _template(given)
    if template.startswith("sqlite"):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "live.db")
            shutil.copy(template.removeprefix("sqlite:///"), path)
            yield f"sqlite:///{path.as_posix()}"
        return
    name = f"live_{uuid.uuid4().hex}"
    administer(given, f"CREATE DATABASE {name} TEMPLATE {name_of(template)}")
    try:
        yield beside(given, name)
    finally:
        administer(given, f"DROP DATABASE {name} WITH (FORCE)")


@functools.cache
def _template(given: str) -> str:
    """The URL of a migrated database that is only ever copied; it goes when the tests do."""
    if not given or given.startswith("sqlite"):
        directory = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, directory)
        url = f"sqlite:///{Path(directory, 'template.db').as_posix()}"
    else:
        name = f"live_template_{uuid.uuid4().hex}"
        administer(given, f"CREATE DATABASE {name}")
        atexit.register(administer, given, f"DROP DATABASE {name} WITH (FORCE)")
        url = beside(given, name)
    done = manage("migrate", "--verbosity", "0", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    return url


_NAME = re.compile(r"^(\w+://[^/?]*)/?([^?]*)")
"""Of a database's URL: the server, and the name."""


def name_of(url: str) -> str:
    """The name of a PostgreSQL database."""
    return _NAME.search(url)[2]


def beside(url: str, name: str) -> str:
    """The URL of the database of that name on the same server."""
    return _NAME.sub(rf"\1/{name}", url)


def administer(given: str, statement: str) -> None:
    """Runs a statement that is about databases, on the server of the `given` one."""
    with closing(psycopg.connect(beside(given, "postgres"), autocommit=True)) as connection:
        connection.execute(statement)


def connect(database_url: str) -> Any:
    """A connection that belongs to no server."""
    if database_url.startswith("sqlite"):
        return sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=PATIENCE)
    return psycopg.connect(database_url)


def rows(database_url: str, statement: str) -> list[tuple]:
    """What a statement finds."""
    with closing(connect(database_url)) as connection:
        return connection.execute(statement).fetchall()


def the_books_add_up(database_url: str) -> None:
    """Asserts that every credit is what came in less what was billed, and that `check_billing` finds no fault."""
    off = """
        SELECT customer_id, credit FROM customer_account account
        WHERE credit <> (SELECT COALESCE(SUM(amount), 0) FROM customer_ledgerentry WHERE account_id = customer_id)
            - (SELECT COALESCE(SUM(amount), 0) FROM invoice_invoice bill WHERE bill.customer_id = account.customer_id)
    """
    twice = "SELECT subscription_id FROM invoice_invoice GROUP BY subscription_id, start_time HAVING COUNT(*) > 1"
    assert rows(database_url, off) == []
    assert rows(database_url, twice) == []
    checked = manage("check_billing", DATABASE_URL=database_url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
