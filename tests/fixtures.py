"""What all tests share: a clock that they set, APScheduler's own loop run by hand, and clients that are logged in."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from customer import clock, customers, request_counters, request_stores
from customer.models import Customer
from invoice.schedulers import Scheduler
from subscription_task import logs

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse"


class FakeClock:
    """The clock of a test: it stands still until it is moved."""

    def __init__(self) -> None:
        self.time = EPOCH

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def at(self, seconds: float) -> None:
        """Sets the clock to `seconds` after EPOCH."""
        self.time = EPOCH + timedelta(seconds=seconds)


@pytest.fixture
def fake_clock(monkeypatch) -> FakeClock:
    """Replaces the one clock; it starts at EPOCH, 2030-01-01 00:00:00 UTC."""
    fake = FakeClock()
    monkeypatch.setattr(clock, "now", fake.now)
    return fake


def process_jobs() -> None:
    """One round of APScheduler's own loop, in this thread: at most one pass."""
    Scheduler.scheduler.state = STATE_RUNNING
    try:
        Scheduler.scheduler._process_jobs()
    finally:
        Scheduler.scheduler.state = STATE_PAUSED
    assert not Scheduler.passes.failing, "the pass failed: see the log"


@pytest.fixture
def run_pass() -> Callable[[], None]:
    return process_jobs


@pytest.fixture(autouse=True)
def _nothing_cached_before() -> None:
    cache.clear()


@pytest.fixture
def limits_on(db, settings) -> Iterator[None]:
    """Rate limits are on; before and after, nothing is counted."""
    settings.RATE_LIMITS = True
    request_counters._spent.clear()
    yield
    request_counters._spent.clear()
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM customer_requestcounter")
    else:
        request_stores._file.remove(request_stores.beside())


@pytest.fixture
def make_customer(db) -> Callable[..., Customer]:
    """Makes a registered customer: `make_customer("ada", credit=1000)`."""

    def make(username: str = "ada", credit: int = 0) -> Customer:
        return customers.register(username=username, password=PASSWORD, credit=credit)

    return make


@pytest.fixture
def client_of() -> Callable[[Customer], APIClient]:
    """An API client that carries a real access token of the customer."""

    def login(customer: Customer) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(customer)}")
        return client

    return login


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


@pytest.fixture
def postgresql() -> None:
    """For tests of what only PostgreSQL has: row locks, sessions."""
    if not is_postgresql():
        pytest.skip("wants PostgreSQL: `make test` runs it on one, as does pytest with DATABASE_URL set")


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict]]]:
    """What the log says from here on, as production writes it: `lines()` reads it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter(readable=False))
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)
