"""Several `migrate` of one empty database at once, as hosts that are deployed together start them."""

import os
import tempfile
import uuid
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection

from operators import migrating
from tests import servers

WAITS = "Another migrate of this database is under way: waiting for it."
DONE = "No migrations to apply."


@contextmanager
def empty():
    """The URL of an empty database, beside the test run's."""
    given = os.environ.get("DATABASE_URL", "")
    if not given or given.startswith("sqlite"):
        with tempfile.TemporaryDirectory() as directory:
            yield f"sqlite:///{Path(directory, 'empty.db').as_posix()}"
        return
    name = f"empty_{uuid.uuid4().hex}"
    servers.administer(given, f"CREATE DATABASE {name}")
    try:
        yield servers.beside(given, name)
    finally:
        servers.administer(given, f"DROP DATABASE {name} WITH (FORCE)")


def started(stack: ExitStack, url: str) -> servers.Process:
    return stack.enter_context(servers.Process([*servers.MANAGE, "migrate", "--no-color"], DATABASE_URL=url))


def test_of_three_that_start_at_once_one_migrates_and_the_others_find_nothing_to_do():
    with ExitStack() as stack:
        url = stack.enter_context(empty())
        hosts = [started(stack, url) for _ in range(3)]
        assert [host.popen.wait(servers.PATIENCE) for host in hosts] == [0, 0, 0], [host.output for host in hosts]
        outputs = [host.output for host in hosts]
        assert sum("Applying customer.0001_initial... OK" in output for output in outputs) == 1
        assert sum(DONE in output for output in outputs) == 2


def test_where_the_first_is_killed_one_that_waits_goes_on():
    with ExitStack() as stack:
        url = stack.enter_context(empty())
        first = started(stack, url)
        first.says("Applying contenttypes.0001_initial")
        others = [started(stack, url) for _ in range(2)]
        for other in others:
            servers.until(lambda other=other: WAITS in other.output or other.popen.poll() is not None, WAITS)
        first.kill()
        assert [other.popen.wait(servers.PATIENCE) for other in others] == [0, 0], [other.output for other in others]
        assert servers.rows(url, "SELECT count(*) FROM customer_account") == [(0,)]
        assert sum(DONE in other.output for other in others) >= 1


@pytest.mark.django_db
@pytest.mark.usefixtures("postgresql")
def test_neither_who_has_the_lock_nor_who_waits_keeps_an_index_from_being_built():
    """They would, if they had a snapshot: an index that is built concurrently waits for all that there are."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        first = connection.copy()
        first.settings_dict["NAME"] = servers.name_of(url)
        holding = stack.enter_context(ExitStack())
        holding.enter_context(migrating.alone(first, waiting=pytest.fail))
        second = started(stack, url)
        second.says(WAITS)
        other = stack.enter_context(closing(servers.connect(url)))
        other.autocommit = True
        other.execute("SET statement_timeout = '60s'")
        other.execute("CREATE INDEX CONCURRENTLY another ON customer_account (credit)")
        assert second.popen.poll() is None, second.output
        holding.close()
        assert second.popen.wait(servers.PATIENCE) == 0, second.output
        assert DONE in second.output
