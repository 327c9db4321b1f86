"""Guesses sent all at once, to a real server: exactly as many are answered as the budget has."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer.throttling import PAIR
from tests import servers
from tests.fixtures import PASSWORD

ADA = {"username": "ada", "password": PASSWORD}


@pytest.fixture
def server(monkeypatch):
    threaded = [*servers.COMMANDS["gunicorn"], "--threads", "8"]
    monkeypatch.setitem(servers.COMMANDS, "gunicorn with threads", threaded)
    with (
        servers.database() as url,
        servers.Server("gunicorn with threads", DATABASE_URL=url, SCHEDULER="off") as server,
    ):
        assert server.call("POST", "/customer/register/", ADA)[0] == 201
        yield server


def at_once(server, passwords):
    """How often each status was the answer."""

    def login(password):
        return server.call("POST", "/customer/login/", {"username": "ada", "password": password})[0]

    with ThreadPoolExecutor(16) as callers:
        return Counter(callers.map(login, passwords))


def test_of_guesses_sent_all_at_once_only_the_budgets_number_is_answered(server):
    assert at_once(server, ["wrong horse"] * 40) == {401: PAIR.failures, 429: 40 - PAIR.failures}


def test_right_passwords_sent_all_at_once_are_all_let_in(server):
    assert at_once(server, [PASSWORD] * 24) == {200: 24}
