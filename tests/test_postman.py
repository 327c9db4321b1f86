"""The Postman collection is what its builder makes of the schema, and newman runs it against a live server."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from clients import draft07, openapi, postman
from tests import servers

FOLDER = servers.ROOT / "clients"
NEWMAN = FOLDER / "newman/node_modules/newman/bin/newman.js"
SCHEMA = yaml.safe_load((FOLDER / "openapi.yaml").read_text("utf-8"))
WALK = yaml.safe_load((FOLDER / "walk.yaml").read_text("utf-8"))
METHODS = {"get", "post", "put", "patch", "delete"}

wants_newman = pytest.mark.skipif(
    not (NEWMAN.exists() and shutil.which("node")), reason="wants Node.js, and `make clients/newman/node_modules`"
)


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def items(collection: dict) -> Iterator[dict]:
    """The requests of a collection, in their order."""
    for folder in collection["item"]:
        yield from folder["item"]


def script(item: dict, listen: str) -> str:
    return "\n".join(line for event in item["event"] if event["listen"] == listen for line in event["script"]["exec"])


def line(item: dict) -> str:
    """`METHOD /path`, as the schema writes it."""
    path = re.sub(r":(\w+)", r"{\1}", "/".join(item["request"]["url"]["path"]))
    return f"{item['request']['method']} /{path}"


# --- the files


@pytest.mark.once
@pytest.mark.parametrize("path", [postman.COLLECTION, postman.ENVIRONMENT], ids=lambda path: path.name)
def test_the_committed_file_is_what_the_builder_makes(path):
    made = {postman.COLLECTION: postman.collection(SCHEMA, WALK), postman.ENVIRONMENT: postman.environment(WALK)}
    assert path.read_text("utf-8") == postman.text(made[path]), "`make documents` writes it anew"


@pytest.mark.once
def test_the_collection_has_every_operation_and_no_other():
    described = {f"{way.upper()} {path}" for path, ways in SCHEMA["paths"].items() for way in METHODS & ways.keys()}
    assert {line(item) for item in items(read(postman.COLLECTION))} == described


@pytest.mark.once
def test_each_request_has_a_name_of_its_own_a_description_and_a_test_of_its_status():
    requests = list(items(read(postman.COLLECTION)))
    assert len({item["name"] for item in requests}) == len(requests)
    for item in requests:
        assert item["request"]["description"]
        assert re.search(r"pm\.response\.to\.have\.status\(\d{3}\)", script(item, "test"))


@pytest.mark.once
def test_a_request_shows_every_parameter_and_uses_those_that_the_walk_gives():
    known = dict(openapi.operations(SCHEMA))
    steps = [step for folder in WALK["walk"] for step in folder["steps"]]
    for item, step in zip(items(read(postman.COLLECTION)), steps, strict=True):
        given = item["request"]["url"].get("query", []) + item["request"]["header"]
        parameters = {each["name"] for each in known[step["does"]]["parameters"] if each["in"] in ("query", "header")}
        assert {each["key"] for each in given} - {"Content-Type"} == parameters
        used = {each["key"]: each["value"] for each in given if not each.get("disabled")}
        used.pop("Content-Type", None)
        said = {**step.get("query", {}), **step.get("headers", {})}
        assert used == {name: str(value) for name, value in said.items()}


@pytest.mark.once
def test_the_environment_has_what_the_collection_uses_and_keeps_no_secret():
    text, variables = postman.COLLECTION.read_text("utf-8"), read(postman.ENVIRONMENT)["values"]
    named = set(re.findall(r"{{(\w+)}}", text)) | set(re.findall(r"environment\.[gs]et\(\\\"(\w+)", text))
    own = set(re.findall(r"pm\.variables\.set\(\\\"(\w+)", text))
    assert {each["key"] for each in variables} == named - own
    secret = {each["key"] for each in variables if each["type"] == "secret"}
    assert {key for key in named - own if re.search("password|token", key, re.IGNORECASE)} == secret
    assert {each["value"] for each in variables if each["key"] != "baseUrl"} == {""}


# --- the builder


@pytest.mark.once
@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"does": "GET /nowhere"}, "the schema has no GET /nowhere"),
        ({"status": 418}, "never answers 418"),
        ({"query": {"colour": "red"}}, "takes no query parameter colour"),
        ({"headers": {"X-Colour": "red"}}, "takes no header parameter X-Colour"),
        ({"path": {"colour": "red"}}, "takes no path parameter colour"),
    ],
    ids=["an operation", "a status", "a query parameter", "a header", "a part of the path"],
)
def test_a_walk_cannot_ask_for_what_the_schema_does_not_have(step, words):
    walk = copy.deepcopy(WALK)
    walk["walk"][1]["steps"][0] |= step
    with pytest.raises(postman.Unfit, match=words):
        postman.collection(SCHEMA, walk)


@pytest.mark.once
def test_a_walk_cannot_leave_an_operation_out():
    schema = copy.deepcopy(SCHEMA)
    schema["paths"]["/customer/farewell"] = {"post": {"responses": {"200": {"description": "Gone."}}}}
    with pytest.raises(postman.Unfit, match="no step for POST /customer/farewell"):
        postman.collection(schema, WALK)


PLAIN = {"type": "integer"}
COLOUR = {"$ref": "#/components/schemas/Colour"}
ALIKE = {
    # a schema of OpenAPI: what it allows, and what it does not
    "a type": ({"type": "integer", "format": "int64", "example": 3}, [3], ["3", None]),
    "null, as 3.0 says it": ({"type": "string", "nullable": True}, ["a", None], [3]),
    "null, as 3.1 says it": ({"type": ["string", "null"]}, ["a", None], [3]),
    "null beside a reference": (
        {"allOf": [COLOUR], "nullable": True},
        ["red", None],
        [3],
    ),
    "a reference": (COLOUR, ["red"], ["blue", 3]),
    "a reference with a neighbour": ({**COLOUR, "maxLength": 3}, ["red"], ["green", 3]),
    "a reference behind another": ({"$ref": "#/components/schemas/Colours"}, [["red"], []], [["blue"], "red"]),
    "fields": ({"properties": {"a": PLAIN}, "required": ["a"]}, [{"a": 1, "b": 2}], [{}, {"a": "1"}]),
    "other fields": ({"additionalProperties": PLAIN}, [{"a": 1}], [{"a": "1"}]),
    "no other fields": ({"properties": {"a": PLAIN}, "additionalProperties": False}, [{"a": 1}], [{"b": 1}]),
    "one of two": ({"oneOf": [PLAIN, {"type": "string", "nullable": True}]}, [1, "1", None], [1.5]),
    "all but one": ({"not": PLAIN}, ["1", None], [1]),
    "anything": ({"description": "anything"}, [1, None, {}], []),
}


@pytest.mark.once
@pytest.mark.parametrize("what", ALIKE)
def test_a_converted_schema_allows_what_it_did(what):
    schema, good, bad = ALIKE[what]
    colours = {"Colour": {"type": "string", "enum": ["red", "green"]}}
    colours["Colours"] = {"type": "array", "items": COLOUR}
    converted = draft07.convert(schema)
    whole = converted | {"definitions": draft07.used_by([converted], colours)}
    validator = jsonschema.Draft7Validator(whole)
    validator.check_schema(whole)
    assert [each for each in good if not validator.is_valid(each)] == []
    assert [each for each in bad if validator.is_valid(each)] == []


@pytest.mark.once
def test_a_keyword_that_is_not_converted_is_no_silent_loss():
    with pytest.raises(ValueError, match="does not know the keyword 'contains'"):
        draft07.convert({"type": "array", "contains": {"type": "integer"}})


@pytest.mark.once
def test_every_schema_of_an_answer_is_one_of_draft_07():
    described, definitions = openapi.expectations(SCHEMA)
    for contents in (contents for one in described for contents in one["answers"].values()):
        for schema in contents.values():
            jsonschema.Draft7Validator.check_schema({"definitions": definitions, "allOf": [schema]})


# --- newman


def run(folder: Path, url: str, collection: Path = postman.COLLECTION) -> tuple[int, dict]:
    """Runs a collection; returns newman's exit code, and the `run` of its report."""
    report = folder / "report.json"
    options = ["--environment", postman.ENVIRONMENT, "--env-var", f"baseUrl={url}", "--reporters", "json"]
    done = subprocess.run(
        ["node", NEWMAN, "run", collection, *options, "--reporter-json-export", report],
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * servers.PATIENCE,
    )
    assert report.exists(), done.stdout + done.stderr
    return done.returncode, read(report)["run"]


def failures(report: dict) -> list[str]:
    return [f"{each['source']['name']}: {each['error']['message']}" for each in report["failures"]]


@wants_newman
@pytest.mark.once
def test_the_newman_that_is_installed_is_the_one_that_is_pinned():
    wanted = read(FOLDER / "newman/package.json")["dependencies"]["newman"]
    assert read(NEWMAN.parent.parent / "package.json")["version"] == wanted, "`make clients/newman/node_modules`"
    assert read(FOLDER / "newman/package-lock.json")["packages"]["node_modules/newman"]["version"] == wanted


@wants_newman
@pytest.mark.parametrize("period", ["2", pytest.param("600", marks=pytest.mark.once)])
def test_newman_runs_every_request_and_nothing_fails(period, tmp_path):
    names = [item["name"] for item in items(read(postman.COLLECTION))]
    with (
        servers.database() as database,
        servers.Server("runserver", DATABASE_URL=database, INVOICE_PERIOD=period) as server,
    ):
        for _ in range(2 if period == "2" else 1):  # the second finds what the first left
            code, report = run(tmp_path, server.url)
            assert failures(report) == []
            assert code == 0
            executed = report["executions"]
            assert [name for name, _ in groupby(each["item"]["name"] for each in executed)] == names
            assert all(len(each["assertions"]) >= 5 for each in executed if each["item"]["name"] in names)
            asserted = {each["assertion"] for one in executed for each in one["assertions"]}
            assert ("The first invoice has come" in asserted) == (period == "2")
            assert not [each for one in executed for each in one["assertions"] if each.get("skipped")]
        servers.the_books_add_up(database)


@wants_newman
@pytest.mark.once
def test_newman_fails_where_nothing_bills(tmp_path):
    impatient = tmp_path / "collection.json"
    impatient.write_text(postman.COLLECTION.read_text("utf-8").replace("(answer.period + 15) * 1000", "1000"), "utf-8")
    # Within the period, so that the switches on the way have nothing to bill.
    settings = {"INVOICE_PERIOD": "30", "SCHEDULER": "off"}
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database, **settings) as server:
        code, report = run(tmp_path, server.url, impatient)
    assert code == 1
    assert failures(report) == ["Await the first invoice: expected [] not to be empty"]


@wants_newman
@pytest.mark.once
def test_newman_fails_where_an_answer_is_not_as_the_documents_say(tmp_path):
    collection = read(postman.COLLECTION)
    (event,) = collection["event"]
    event["script"]["exec"] = [text.replace('"integer"', '"string"') for text in event["script"]["exec"]]
    changed = tmp_path / "collection.json"
    changed.write_text(json.dumps(collection), "utf-8")
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database) as server:
        code, report = run(tmp_path, server.url, changed)
    assert code == 1
    unlike = "The answer is as the documents say"
    found = {each["source"]["name"] for each in report["failures"] if each["error"]["test"] == unlike}
    assert {"Register", "Top up", "Create a subscription", "Statement"} <= found
    assert "No token" not in found


@wants_newman
@pytest.mark.once
def test_newman_fails_where_a_figure_is_wrong(tmp_path):
    changed = tmp_path / "collection.json"
    changed.write_text(postman.COLLECTION.read_text("utf-8").replace("+ 3000", "+ 3001"), "utf-8")
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database) as server:
        code, report = run(tmp_path, server.url, changed)
    assert code == 1
    assert [each["error"]["test"] for each in report["failures"]] == ["The credit is what it was and what was added"]


@wants_newman
@pytest.mark.once
@pytest.mark.skipif(not shutil.which("make"), reason="wants make")
def test_make_newman_runs_it():
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database) as server:
        said = servers.shell(f"make --old-file clients/newman/node_modules newman URL={server.url}")
    assert re.search(r"assertions │ +\d{3} │ +0 │", said)
