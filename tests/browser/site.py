"""The service as operators meet it: a production server with a demo's data, and Debian's Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from tests import demos, servers

WIDE, NARROW = 1280, 390
"""The widths of a desk's screen and a telephone's, in pixels."""
HEIGHT = 900
PATIENCE = 15_000
"""The milliseconds after which a wait for something on a page gives up."""


def missing() -> str | None:
    """What there is no browser for, if there is none."""
    if shutil.which("chromium") is None:
        return "wants a browser: apt-get install chromium"
    return None if find_spec("playwright") else "wants Playwright: make .venv/dev"


@contextmanager
def served(database_url: str) -> Iterator[servers.Server]:
    """A production server, with the static files that production has."""
    servers.collect_static()
    with servers.Server("gunicorn", DATABASE_URL=database_url) as server:
        server.is_ready()
        yield server


@contextmanager
def chromium() -> Iterator["Browser"]:  # noqa: F821 - where it is not installed, nothing gets here
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the same

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


class Watched:
    """A page whose every visit is watched: `faults` are its errors and what it asked of other machines."""

    def __init__(self, browser: "Browser", url: str, **options: object) -> None:  # noqa: F821
        self.url = url
        self.faults: list[str] = []
        options = {"viewport": {"width": WIDE, "height": HEIGHT}, "color_scheme": "light", **options}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()

    def open(self, path: str) -> None:
        """Goes to a page of the service, and waits until all of it is there."""
        self.page.goto(f"{self.url}{path}", wait_until="load")

    def log_in(self, username: str, password: str = demos.PASSWORD) -> None:
        """By the form, to the dashboard."""
        self.open("/admin/")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.url}/admin/")

    def _console(self, message: object) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _failed(self, request: object) -> None:
        # What a page was still waiting for when it was left.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} {request.failure}")

    def _request(self, request: object) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.faults.append(f"another machine: {request.url}")

    def _response(self, response: object) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")
