"""However many ask at once, a server has as many connections to PostgreSQL as it was given, and refuses nobody."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import servers

pytestmark = pytest.mark.usefixtures("postgresql")

BURST = 80
TURNS = 3
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
MOST = {
    # of connections, without a scheduler
    "uvicorn": 10,
    "gunicorn --threads": 2 * 4,
}


@pytest.mark.parametrize("kind", MOST)
def test_bursts_are_answered_over_as_many_connections_as_there_may_be(kind):
    person = {"username": "ada", "password": "a long sentence of ada"}
    with (
        servers.database() as url,
        servers.Server(kind, DATABASE_URL=url, SCHEDULER="off", RATE_LIMITS="off") as server,
        ThreadPoolExecutor(BURST) as clients,
    ):
        assert server.call("POST", "/customer/register/", person)[0] == 201
        token = server.call("POST", "/customer/login/", person)[1]["access"]
        for _ in range(TURNS):
            asked = [clients.submit(server.call, "PUT", "/customer/increasecredit/", {"credit": 1}, token)]
            asked += [clients.submit(server.call, "GET", "/invoice/statistics", None, token) for _ in range(BURST - 1)]
            assert {each.result()[0] for each in asked} == {200}, server.output[-2000:]
            assert servers.rows(url, SESSIONS)[0][0] <= MOST[kind]
        assert server.call("GET", "/customer/profile/", token=token)[1]["credit"] == TURNS
