"""A server and a browser for each module: Playwright holds an event loop, which Django's database would refuse."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import demos, servers
from tests.browser import site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips all in this folder where there is no browser."""
    if reason := site.missing():
        for item in items:
            if "tests/browser/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "demo.sqlite3"
    demos.fill(path)
    return path


@pytest.fixture(scope="module")
def database(filled, tmp_path_factory) -> str:
    """The URL of a copy that the module may change."""
    path = tmp_path_factory.mktemp("browser") / "demo.sqlite3"
    shutil.copy(filled, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def server(database) -> Iterator[servers.Server]:
    with site.served(database) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with site.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def sessions(server, browser) -> dict[str, dict]:
    """What a browser keeps of each operator who has logged in."""
    kept = {}
    for username in ("operator", "viewer"):
        with site.Watched(browser, server.url) as visit:
            visit.log_in(username)
            kept[username] = visit.context.storage_state()
            assert visit.faults == []
    return kept


@pytest.fixture
def visit(server, browser, sessions) -> Iterator[Callable[..., site.Watched]]:
    """Opens a browser as an operator; when the test is over, nothing must have gone wrong on any page."""
    opened = []

    def open_as(username: str, **options: object) -> site.Watched:
        opened.append(site.Watched(browser, server.url, storage_state=sessions[username], **options))
        return opened[-1]

    yield open_as
    for each in opened:
        each.context.close()
    assert [each.faults for each in opened] == [[] for _ in opened]


@pytest.fixture
def find(database) -> Callable[[str], list[tuple]]:
    """What a statement finds in the server's database."""
    return lambda statement: servers.rows(database, statement)
