"""Whatever defaults a server, a database or a role has, the books are right, or the service says what will not do.

Each row is a database of its own on the tests' PostgreSQL.
"""

import subprocess
import sys

import pytest

from subscription_task import database
from tests import servers

pytestmark = pytest.mark.usefixtures("postgresql")

OVERRULED = {
    "default_transaction_isolation": "'serializable'",
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "'sql_standard'",
    "TimeZone": "'Asia/Tehran'",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "tcp_user_timeout": "'1ms'",
}
"""Defaults that do no harm, since each session asks for what it needs."""
REFUSED = {
    # default: what the sentence tells to do about it
    ("synchronous_commit", "off"): "SET synchronous_commit = 'on'",
    ("session_replication_role", "replica"): "SET session_replication_role = 'origin'",
    ("search_path", "''"): "SET search_path = public",
}


@pytest.fixture
def url():
    with servers.database() as url:
        yield url


def alter(url: str, name: str, value: str) -> None:
    servers.administer(url, f"ALTER DATABASE {servers.name_of(url)} SET {name} = {value}")


def driven(url: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tests.driven"],
        cwd=servers.ROOT,
        env=servers.environment(
            DATABASE_URL=url, INVOICE_PERIOD="1", SCHEDULER="off", DJANGO_ALLOWED_HOSTS="testserver"
        ),
        capture_output=True,
        text=True,
        timeout=servers.PATIENCE,
        check=False,
    )


def test_every_setting_that_is_asked_for_or_refused_has_a_row():
    of_the_whole_server = set(database.OF_THE_SERVER)
    assert set(database.NEEDED) <= set(OVERRULED)
    assert set(database.REFUSED) - of_the_whole_server <= {name for name, _ in REFUSED}


def test_with_defaults_that_do_no_harm_all_is_as_ever(url):
    for name, value in OVERRULED.items():
        alter(url, name, value)
    done = driven(url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_default_that_loses_answers_or_rows_is_refused_with_a_remedy_that_works(name, value, url):
    alter(url, name, value)
    done = servers.manage("migrate", "--check", DATABASE_URL=url)
    assert done.returncode == 2
    (refusal,) = done.stderr.splitlines()[-1:]
    remedy = refusal[refusal.index("ALTER ") :]
    assert remedy.endswith(REFUSED[name, value])
    servers.administer(url, remedy)
    try:
        done = servers.manage("migrate", "--check", DATABASE_URL=url)
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        servers.administer(url, remedy.partition(" SET ")[0] + " RESET ALL")


def test_a_server_says_that_it_is_not_ready_and_names_no_role(url):
    alter(url, "synchronous_commit", "off")
    with servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as server:
        status, answer = server.call("GET", "/readyz")
        assert (status, answer["wrong"]) == (503, ["the settings of the database will not do: the log says which"])
        server.says("SET synchronous_commit = 'on'")


def test_what_the_address_asks_for_is_asked_for_too():
    assert database.options("-c search_path=billing").startswith("-c search_path=billing -c ")
