"""A production server limits how often one may ask; its processes count each for themselves."""

import pytest
from django.conf import settings

from tests import servers

PROCESSES = 2
"""That tests.servers starts gunicorn with."""


@pytest.mark.once
def test_a_production_server_answers_429_to_who_asks_too_often_without_a_token():
    rate = int(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["anon"].split("/")[0])
    statuses = []
    with servers.database("") as url, servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as server:
        for _ in range(PROCESSES * rate + 1):  # so many that one of the processes has had more than it may
            status, answer = server.call("POST", "/customer/token/refresh/", {"refresh": "x"})
            statuses.append(status)
            if status == 429:
                assert list(answer) == ["detail"]
        assert server.call("GET", "/healthz")[0] == 200
    assert set(statuses[:rate]) == {401}
    assert set(statuses) == {401, 429}
