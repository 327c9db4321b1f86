"""docs/security.md says what is so: the tests that it names exist, each threat has one, and so do its settings."""

import ast
import re

import pytest

from tests import servers

pytestmark = pytest.mark.once

DOCUMENT = servers.ROOT.joinpath("docs/security.md").read_text("utf-8")
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def section(title):
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED.findall(DOCUMENT)}))
def test_every_test_that_is_named_exists(file):
    tree = ast.parse(servers.ROOT.joinpath(file).read_text("utf-8"))
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {name for named, name in NAMED.findall(DOCUMENT) if named == file} <= there


def test_every_threat_names_a_test():
    rows = re.findall(r"^\| (?!threat|---).*\|$", section("Threats"), re.MULTILINE)
    assert len(rows) > 30
    assert [row for row in rows if not NAMED.search(row)] == []


def test_every_setting_that_is_named_is_one():
    named = set(re.findall(r"^\| `(\w+)`", section("Settings that matter"), re.MULTILINE))
    assert len(named) > 5
    assert named <= servers.SETTINGS
