"""A file that breaks off is an error at its client, whatever server it comes through: never a shorter file."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests import servers, test_nginx, test_threads

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="wants sockets and signals"),
    pytest.mark.skipif(not shutil.which("curl"), reason="wants curl: apt-get install curl"),
    *test_nginx.pytestmark[2:],
]

ROWS = 200_000
"""Some seconds of a file: it is under way when it breaks off."""
FILES = ("/invoice/list?format=csv", "/customer/statement?format=csv", "/admin/invoice/invoice/export/")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where files are fetched from."""

    url: str
    server: servers.Process
    database: str


@contextmanager
def nginx(folder: Path) -> Iterator[Place]:
    with test_nginx.running(folder) as site:
        yield Place(url=site.url, server=site.gunicorn, database=site.database)


@contextmanager
def alone(kind: str) -> Iterator[Place]:
    with servers.database() as url:
        named = {f"DJANGO_SUPERUSER_{name.upper()}": value for name, value in test_nginx.OPERATOR.items()}
        made = servers.manage("createsuperuser", "--noinput", "--email", "", DATABASE_URL=url, **named)
        assert made.returncode == 0, made.stderr
        with servers.Server(kind, DATABASE_URL=url, SCHEDULER="off", WEB_CONCURRENCY="3") as server:
            yield Place(url=server.url, server=server, database=url)


def killed(place: Place) -> None:
    for worker in psutil.Process(place.server.popen.pid).children() or [psutil.Process(place.server.popen.pid)]:
        worker.kill()


def deployed(place: Place) -> None:
    place.server.popen.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (nginx, killed),
        (nginx, deployed),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_file_that_breaks_off_is_an_error(tmp_path, start, end: Callable[[Place], None]):
    servers.collect_static()
    with alone(start) if isinstance(start, str) else start(tmp_path) as place:
        headers = [*customer(place), operator(place, tmp_path)]
        test_threads.fill(place.database, ROWS)
        files = [tmp_path / f"{number}.csv" for number in range(len(FILES))]
        fetches = [
            subprocess.Popen(["curl", "-kgsS", "-o", file, "-H", header, place.url + path])
            for file, header, path in zip(files, headers, FILES, strict=True)
        ]
        servers.until(lambda: all(file.exists() and file.stat().st_size for file in files), "the beginnings of files")
        end(place)
        codes = [fetch.wait(timeout=servers.PATIENCE) for fetch in fetches]
        assert all(file.read_bytes().count(b"\n") <= ROWS for file in files), "a file was whole: nothing is shown"
        assert all(codes), "a shorter file came as a whole one"


def asked(place: Place, path: str, body: str, *more: str) -> str:
    """What a request with a body is answered, by curl."""
    command = ["curl", "-ksS", "-d", body, *more, place.url + path]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=servers.PATIENCE).stdout


def customer(place: Place) -> list[str]:
    """The headers of two customers' requests."""
    headers = []
    for name in ("bob", "eve"):
        named = f"username={name}&password=correct horse"
        asked(place, "/customer/register/", named)
        access = re.search(r'"access":"([^"]+)"', asked(place, "/customer/login/", named))[1]
        for number in range(20):
            made = f"name={number}&price=7&isactive=false"
            asked(place, "/subscription/create/", made, "-H", f"Authorization: Bearer {access}")
        headers.append(f"Authorization: Bearer {access}")
    return headers


def operator(place: Place, folder: Path) -> str:
    """The header of an operator's requests."""
    jar, login = folder / "cookies", f"{place.url}/admin/login/"
    cookies = ["-b", str(jar), "-c", str(jar), "-e", login]
    page = subprocess.run(["curl", "-ksS", *cookies, login], check=True, capture_output=True, text=True).stdout
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = "&".join(f"{name}={value}" for name, value in (test_nginx.OPERATOR | {"csrfmiddlewaretoken": token}).items())
    asked(place, "/admin/login/", form, *cookies)
    found = [line.split("\t")[5:7] for line in jar.read_text().splitlines() if line.count("\t") == 6]
    return "Cookie: " + "; ".join("=".join(pair) for pair in found)
