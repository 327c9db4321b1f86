"""Load on a server by wrk, Debian's package of that name: requests a second, and how long they took.

One thread of wrk and few connections, since it shares the machine with the server.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jwt
from rest_framework_simplejwt.utils import get_md5_hash_password

from bench import fill
from tests import servers

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 4


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as wrk sends it; `token` is an access token, where one is wanted."""

    method: str
    path: str
    body: object = None
    token: str = ""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What came back: requests a second, and the milliseconds that half and 99 of 100 took at most."""

    rate: float
    p50: float
    p99: float


def needs_wrk() -> None:
    """Ends the benchmark where there is no wrk."""
    if shutil.which("wrk") is None:
        sys.exit("This measure needs wrk, which loads the servers: apt-get install wrk")


def load(url: str, requests: Iterable[Request], *, seconds: int, connections: int = CONNECTIONS) -> Answers:
    """Sends the requests one after the other, over and over; all must succeed."""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as written:
        for each in requests:
            body = "" if each.body is None else json.dumps(each.body)
            written.write("\t".join([each.method, each.path, each.token, body]) + "\n")
        written.flush()
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", "60s", "--script", str(SCRIPT), url, "--", written.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("failed") == 0, done.stdout
    return Answers(**found)


def access_token(customer_id: int) -> str:
    """An access token as the service makes them, good for an hour."""
    return _token("access", customer_id)


def refresh_token(customer_id: int) -> str:
    """A refresh token as the service makes them, good for an hour."""
    return _token("refresh", customer_id)


def _token(kind: str, customer_id: int) -> str:
    now = int(time.time())
    claims = {"token_type": kind, "iat": now, "exp": now + 3600, "jti": f"{customer_id:032x}"}
    claims["hash_password"] = get_md5_hash_password(fill.PASSWORD)
    return jwt.encode(claims | {"user_id": str(customer_id)}, servers.PRODUCTION["DJANGO_SECRET_KEY"], "HS256")
