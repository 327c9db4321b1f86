"""The service does what its documents say: schemathesis sends what they allow, and what they do not.

`REQUESTS=1000 pytest tests/test_schemathesis.py` sends up to a thousand to each operation in each of its phases, and
others each time; `make nightly` does.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import servers

REQUESTS = os.environ.get("REQUESTS")
SCHEMATHESIS = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", "tests/schemathesis.toml", "run"]
FEW = ["--max-examples", "10", "--seed", "1", "--generation-deterministic"]
"""Half a minute, and the same requests each time."""


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="wants schemathesis: make .venv/dev")
def test_the_service_does_what_its_documents_say(tmp_path):
    with (
        servers.database() as url,
        servers.Server("gunicorn --threads", DATABASE_URL=url, RATE_LIMITS="off", INVOICE_PERIOD="1") as server,
    ):
        server.is_ready()
        register(server, "Alifa", "ali1380")  # as the examples, which so can log in
        customers = tmp_path / "customers.json"
        customers.write_text(json.dumps({"auth": [signed_in(server, name) for name in ("sara", "reza")]}))
        done = subprocess.run(
            [
                *SCHEMATHESIS,
                str(servers.ROOT / "clients" / "openapi.yaml"),
                *("--url", server.url),
                *("--checks", "all"),
                *(["--max-examples", REQUESTS] if REQUESTS else FEW),
            ],
            cwd=servers.ROOT,
            env=servers.environment(CUSTOMERS=str(customers), NO_COLOR="1", PYTHONPATH=str(servers.ROOT)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        servers.the_books_add_up(url)


def register(server, username, password):
    credit = {"credit": 10**12}
    assert server.call("POST", "/customer/register/", {"username": username, "password": password, **credit})[0] == 201


def signed_in(server, username):
    """A customer of that name with something to bill, as schemathesis wants to be told of one."""
    register(server, username, "four good words")
    tokens = server.call("POST", "/customer/login/", {"username": username, "password": "four good words"})[1]
    server.call("POST", "/subscription/create/", {"name": "VM", "price": 450}, tokens["access"])
    return {"name": username, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {tokens['access']}"}]}
