"""The README says what is so: its walk is run as it stands, its tables are compared with the code."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import get_commands

from tests import servers

README = servers.ROOT.joinpath("README.md").read_text("utf-8")
VARY = {"id", "customer", "subscription", "period", "created_at", "next_invoice_at", "start_time", "end_time"}
"""Fields whose values depend on when the walk is run, and how often it was before."""
END = "--- the end of a block ---"


def section(title: str) -> str:
    """What stands under a heading."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", section(title), re.MULTILINE)


class Shell:
    """A bash that is given one block after the other, as a reader would paste them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bash = subprocess.Popen(
            ["bash", "-eu"], env=servers.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *error: object) -> None:
        self._bash.kill()
        self._bash.communicate()

    def run(self, block: str) -> str:
        """What a block prints; fails if any of its commands does."""
        self._bash.stdin.write(f"{block.replace('http://localhost:8000', self._url)}\necho '{END}'\n")
        self._bash.stdin.flush()
        printed = ""
        for line in self._bash.stdout:
            if line.strip() == END:
                return printed
            printed += line
        raise AssertionError(f"this block failed:\n{block}\n{printed}")


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the walk wants bash and curl")
def test_the_walk_works_as_it_is_pasted_and_the_invoices_arrive():
    steps = list(walk())
    assert len(steps) == 10
    with servers.database() as database, ExitStack() as stack:
        server = stack.enter_context(servers.Server("runserver", DATABASE_URL=database, INVOICE_PERIOD="2"))
        with Shell(server.url) as shell:
            for block, shown in steps[:-3]:
                follows(shell.run(block), shown)
            (vm,) = json.loads(shell.run(steps[-3][0]))["subscriptions"]
            assert (vm["price"], vm["isactive"], vm["paused_because"]) == (450, True, None)
            token = shell.run('echo "$ACCESS"').strip()
            servers.until(lambda: len(server.invoices(token)) >= 3, "three invoices")

            block, shown = steps[-2]
            listed = json.loads(shell.run(block))
            follows(json.dumps(listed | {"invoices": listed["invoices"][-1:]}), shown)
            anchor = datetime.fromisoformat(vm["created_at"]).replace(microsecond=0)
            for invoice in listed["invoices"]:
                start = datetime.fromisoformat(invoice["start_time"])
                assert (start - anchor) % timedelta(seconds=2) == timedelta(0)
                assert datetime.fromisoformat(invoice["end_time"]) - start == timedelta(seconds=2)

            counted = json.loads(shell.run(steps[-1][0]))
            assert counted.keys() == json.loads(steps[-1][1]).keys()
            assert counted["number_of_invoices"] >= 3
            assert counted["total_cost_amount"] == 450 * counted["number_of_invoices"]

            asked, again, counted, in_persian = re.findall(
                r"^```bash\n(.*?)^```$", section("What else there is to ask"), re.MULTILINE | re.DOTALL
            )
            forecast, statement, vm = documents(shell.run(asked))
            assert forecast["number_of_invoices"] > forecast["without_top_up"]["number_of_invoices"] > 0
            assert statement["entries"][-1]["kind"] == "registration"
            assert vm["paused_because"] is None
            said = shell.run(again).splitlines()
            assert [line.partition(":")[0].lower() for line in said] == [
                '{"credit"',
                "idempotency-replayed",
                '{"credit"',
            ]
            assert said[0] == said[2]
            by_day, listed, file = shell.run(counted).partition("id,customer,")
            statistics, found = documents(by_day)
            assert (
                sum(day["number_of_invoices"] for day in statistics["series"]) == statistics["number_of_invoices"] >= 3
            )
            assert [one["name"] for one in found["subscriptions"]] == ["VM"]
            assert listed
            assert len(file.splitlines()) > 3
            assert json.loads(shell.run(in_persian)) == {"detail": "پیدا نشد."}


def walk() -> Iterator[tuple[str, str]]:
    """The bash blocks of the walk, each with the answer that is shown under it, if any."""
    blocks = re.findall(r"^```(bash|json)\n(.*?)^```$", section("A walk through the API"), re.MULTILINE | re.DOTALL)
    for (language, block), (below, shown) in zip(blocks, [*blocks[1:], ("bash", "")], strict=True):
        if language == "bash":
            yield block, shown if below == "json" else ""


def documents(printed: str) -> list[Any]:
    """Several pieces of JSON, one after the other."""
    decoder, found = json.JSONDecoder(), []
    while printed := printed.strip():
        document, end = decoder.raw_decode(printed)
        found.append(document)
        printed = printed[end:]
    return found


def follows(printed: str, shown: str) -> None:
    """Asserts that an answer is the one that the README shows, but for what varies."""
    if shown:
        assert constant(json.loads(printed)) == constant(json.loads(shown))


def constant(answer: Any) -> Any:
    """An answer with the type in the place of each value that varies."""
    if isinstance(answer, list):
        return [constant(item) for item in answer]
    if isinstance(answer, dict):
        return {
            name: type(value).__name__ if name in VARY and not isinstance(value, dict) else constant(value)
            for name, value in answer.items()
        }
    return answer


def test_the_walk_goes_by_all_nine_endpoints():
    asked = re.findall(r"curl -s (?:-X (\w+) )?\"?http://localhost:8000(/[\w/]+)", section("A walk through the API"))
    assert {(method or "GET", path) for method, path in asked} == {
        ("POST", "/customer/register/"),
        ("POST", "/customer/login/"),
        ("POST", "/customer/token/refresh/"),
        ("PUT", "/customer/increasecredit/"),
        ("POST", "/subscription/create/"),
        ("PUT", "/subscription/editactivation/"),
        ("GET", "/subscription/list"),
        ("GET", "/invoice/list"),
        ("GET", "/invoice/statistics"),
    }


def test_the_table_of_settings_has_every_name_that_is_read_and_no_other():
    named = first_column("Settings")
    assert len(named) == len(set(named))
    assert set(named) == servers.SETTINGS


def test_every_path_of_the_layout_exists():
    paths = re.findall(r"`([\w./]+/[\w./]*)`", section("Layout"))
    assert len(paths) > 10
    assert [path for path in paths if not servers.ROOT.joinpath(path).exists()] == []


def test_every_command_it_names_exists():
    named = set(re.findall(r"manage\.py (\w+)", README))
    assert {"migrate", "check_billing", "runscheduler"} <= named
    assert named <= set(get_commands())
    makefile = servers.ROOT.joinpath("Makefile").read_text("utf-8")
    for target in set(re.findall(r"\bmake (run|test|lint|nightly)\b", README)):
        assert f"\n{target}:" in makefile
