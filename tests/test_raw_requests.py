"""Requests that no client library sends, over a socket to the production server."""

import json
import socket

import pytest
from django.test import Client

from tests import servers

HEAD = "POST /customer/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
CHUNKS = {
    "a size that is none": "zz\r\n{}\r\n0\r\n\r\n",
    "a size below 0": "-1\r\n{}\r\n0\r\n\r\n",
    "no size": "\r\n{}\r\n0\r\n\r\n",
    "no end of a chunk": "2\r\n{}XX0\r\n\r\n",
    "a body that breaks off": "5\r\n{",
}


@pytest.mark.once
def test_chunks_that_do_not_follow_each_other_are_400_in_json():
    with servers.database() as url, servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as server:
        for wrong, chunks in CHUNKS.items():
            with socket.create_connection(("127.0.0.1", server.port), timeout=servers.PATIENCE) as connection:
                connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}".encode())
                connection.shutdown(socket.SHUT_WR)
                head, _, answer = connection.makefile("rb").read().partition(b"\r\n\r\n")
            assert head.split(b" ")[1] == b"400", (wrong, head)
            body = answer[answer.index(b"{") : answer.rindex(b"}") + 1]  # perhaps in chunks of its own
            assert list(json.loads(body)) == ["detail"], wrong
        assert "Traceback" not in server.output


def test_a_form_from_elsewhere_is_refused_in_json_outside_the_admin(db):
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/api/redoc/")
    assert (answer.status_code, answer.json()) == (403, {"detail": "Forbidden."})
    assert "text/html" in browser.post("/admin/login/")["Content-Type"]
