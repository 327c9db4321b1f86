"""The service does what its documents say: schemathesis sends what they allow, and what they do not.

What is sent is published in its first form alone, since generators make awkward types of unions; here stands all that
the service takes, and schemathesis goes by that.

`REQUESTS=1000 pytest tests/test_schemathesis.py` sends up to a thousand to each operation in each of its phases, and
others each time; `make nightly` does.
"""

import copy
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml

from subscription_task.http.fields import SwitchField
from tests import servers
from tests.fuzzing import MOST

REQUESTS = os.environ.get("REQUESTS")
SCHEMATHESIS = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", "tests/schemathesis.toml", "run"]
FEW = ["--max-examples", "10", "--seed", "1", "--generation-deterministic"]
"""Half a minute, and the same requests each time."""


SCHEMA = yaml.safe_load((servers.ROOT / "clients" / "openapi.yaml").read_text("utf-8"))
DIGITS = {"type": "string", "pattern": "^[0-9]{1,19}$"}
WORDS = ("0", "1", "f", "false", "n", "no", "off", "on", "t", "true", "y", "yes")
ANY_CASE = ("".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in word) for word in WORDS)
"""The patterns of the words in whatever case: patterns have no flag for that."""
SWITCHES = [
    {"type": "integer", "enum": [0, 1]},
    {
        "type": "string",
        "pattern": f"^({'|'.join(ANY_CASE)})$",
    },
]
OTHER_FORMS = {
    # field: what it takes beside what is published
    "Registration.credit": [DIGITS],
    "TopUp.credit": [DIGITS],
    "Creation.price": [DIGITS],
    "Creation.isactive": SWITCHES,
    "Activation.isactive": SWITCHES,
}
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
FILES = ("/subscription/list", "/invoice/list", "/customer/statement", "/invoice/statistics")
"""Paths that have a file beside them, and give it themselves with `?format=csv`."""
LINKS = {
    # operation, status and link: what is sent along it, of which openapi-generator wants to know nothing
    ("/customer/login/", "200", "refresh"): {"refresh": "$response.body#/refresh"},
    ("/subscription/create/", "201", "switch"): {"isactive": False},
}


def exact():
    """The published schema with all that the service takes."""
    schema = copy.deepcopy(SCHEMA)
    for place, others in OTHER_FORMS.items():
        name, field = place.split(".")
        fields = schema["components"]["schemas"][name]["properties"]
        beside = {key: fields[field].pop(key) for key in ("description", "default") if key in fields[field]}
        fields[field] = {"anyOf": [fields[field], *others], **beside}
    for methods in schema["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]
                content |= {form: {"schema": content["application/json"]["schema"]} for form in FORMS}
    for methods in schema["paths"].values():
        for parameter in methods.get("get", {}).get("parameters", ()):
            if parameter["name"] == "page_size":  # a whole number of any size: as many rows are given as may be
                del parameter["schema"]["format"]
    for path in FILES:
        operation = schema["paths"][path]["get"]
        operation["parameters"].append(
            {"in": "query", "name": "format", "schema": {"type": "string", "enum": ["json", "csv"]}}
        )
        operation["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    for (path, status, link), body in LINKS.items():
        schema["paths"][path]["post"]["responses"][status]["links"][link]["requestBody"] = body
    return schema


TAKEN = {
    # field: what the service takes, and what it does not
    "Registration.credit": ([0, 5, "0", "007", "350000", MOST], [-1, 1.5, "+5", "1_000", " 7 ", "1e3", "", True, None]),
    "TopUp.credit": ([1, "1", MOST], [0, "1.0", "۷", "1" * 20, None]),
    "Creation.price": ([1, "450"], [0, -1, "", False]),
    "Creation.isactive": ([True, False, 0, 1, "1", "true", "FALSE", "Yes", "off"], [None, 2, "", "perhaps", [1]]),
    "Activation.isactive": ([True, 0, "oN"], [None, 2, "", "perhaps"]),
}


@pytest.mark.once
@pytest.mark.parametrize("place", OTHER_FORMS)
def test_the_exact_schema_says_just_what_is_taken(place):
    name, field = place.split(".")
    check = jsonschema.Draft202012Validator(exact()["components"]["schemas"][name]["properties"][field])
    good, bad = TAKEN[place]
    assert [value for value in good if not check.is_valid(value)] == []
    assert [value for value in bad if check.is_valid(value)] == []


@pytest.mark.once
def test_the_words_for_on_and_off_are_those_that_are_taken():
    taken = SwitchField.TRUE_VALUES | SwitchField.FALSE_VALUES
    assert {word.lower() for word in taken if isinstance(word, str)} == set(WORDS)


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="wants schemathesis: make .venv/dev")
def test_the_service_does_what_its_documents_say(tmp_path):
    with (
        servers.database() as url,
        servers.Server("gunicorn --threads", DATABASE_URL=url, RATE_LIMITS="off", INVOICE_PERIOD="1") as server,
    ):
        server.is_ready()
        register(server, "Alifa", "ali1380")  # as the examples, which so can log in
        customers = tmp_path / "customers.json"
        documents = tmp_path / "openapi.yaml"
        documents.write_text(yaml.safe_dump(exact(), sort_keys=False), "utf-8")
        customers.write_text(json.dumps({"auth": [signed_in(server, name) for name in ("sara", "reza")]}))
        done = subprocess.run(
            [
                *SCHEMATHESIS,
                str(documents),
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
