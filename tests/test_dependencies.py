"""Every package that runs the service or its tests is pinned exactly, and so is what it brings with it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import audit, pins, servers

pytestmark = pytest.mark.once

SETS = {
    "the service": pins.of_the_service,
    "the service and pytest": pins.of_newcomers,
    "the service with Celery": pins.with_celery,
    "the tests": pins.with_the_tests,
}


def here(requirement: Requirement, extras: Iterable[str] = ()) -> bool:
    """Whether this Python on this machine wants it."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


@pytest.mark.parametrize("of", SETS)
def test_what_is_pinned_brings_nothing_that_is_not(of):
    pinned = {canonicalize_name(each.name) for each in SETS[of]()}
    missing = set()
    for each in filter(here, SETS[of]()):
        try:
            brought = [Requirement(line) for line in requires(each.name) or []]
        except PackageNotFoundError:
            pytest.skip(f"{each.name} is not installed: `make test` installs it")
        wanted = [one for one in brought if here(one, each.extras) and not pins.EXACT.fullmatch(str(one.specifier))]
        missing |= {f"{one.name}=={version(one.name)}" for one in wanted if canonicalize_name(one.name) not in pinned}
    assert sorted(missing) == []


@pytest.mark.parametrize("of", SETS)
def test_every_pin_is_exact_and_what_is_installed(of):
    for each in SETS[of]():
        assert pins.EXACT.fullmatch(str(each.specifier)), f"{each} is no exact version"
        if here(each):
            assert each.specifier.contains(version(each.name), prereleases=True), f"{each}, but {version(each.name)}"


def test_the_service_has_nothing_of_its_tests():
    """Nor has its image, which installs these two lists."""
    names = {canonicalize_name(each.name) for each in pins.with_celery()}
    assert {"django", "gunicorn", "celery"} <= names
    assert not names & {"pytest", "pytest-django", "hypothesis", "iniconfig", "pluggy", "sortedcontainers"}
    image = servers.ROOT.joinpath("Dockerfile").read_text("utf-8")
    lists = re.findall(r"-r (\S+\.txt)", image)
    assert lists == ["requirements-production.txt", "requirements-celery.txt"]
    for name in lists:
        assert f"!{name}" in servers.ROOT.joinpath(".dockerignore").read_text("utf-8").splitlines()
    deploying = servers.ROOT.joinpath("docs/deploying.md").read_text("utf-8")
    assert set(re.findall(r"-r (\S+\.txt)", deploying)) == set(lists)


@pytest.mark.parametrize("name", ["requirement.txt", "requirements.txt"])
def test_after_the_plain_steps_the_service_and_pytest_are_there(name):
    """`requirement.txt` is what the original calls it."""
    found = {str(each) for each in pins.of_files(name)}
    assert {str(each) for each in pins.of_the_service()} < found
    assert {"pytest", "pytest-django", "hypothesis"} <= {each.partition("==")[0] for each in found}


def test_what_is_installed_fits_together():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=servers.PATIENCE,
        env=servers.environment(PIP_DISABLE_PIP_VERSION_CHECK="1"),
    )
    assert done.returncode == 0, done.stdout


SAYS = {
    # what pip-audit says of one package, and what becomes of the audit
    "nothing wrong": ('"vulns": []', 0, "No known vulnerability in"),
    "a vulnerability": ('"vulns": [{"id": "PYSEC-1"}]', audit.FOUND, "PYSEC-1"),
    "that it could not ask": ('"skip_reason": "not found on PyPI"', audit.NOT_ASKED, "NOT AUDITED"),
}


@pytest.mark.skipif(os.name == "nt", reason="the auditor of this test is a script of bash")
@pytest.mark.parametrize("what", SAYS)
def test_the_audit_says(what, tmp_path, capsys):
    """pip-audit exits with 0 in all three cases."""
    said, code, words = SAYS[what]
    packages = [
        f'{{"name": "{each.name}", "version": "{str(each.specifier)[2:]}", {said}}}' for each in pins.with_the_tests()
    ]
    auditor = tmp_path / "pip-audit"
    auditor.write_text(f"#!/bin/sh\ncat <<'END'\n{{\"dependencies\": [{', '.join(packages)}]}}\nEND\n")
    auditor.chmod(0o755)
    assert audit.main(str(auditor)) == code
    assert words in capsys.readouterr().out


def test_an_audit_without_an_auditor_is_none(tmp_path, capsys):
    assert audit.main(str(tmp_path / "none")) == audit.NOT_ASKED
    assert "NOT AUDITED" in capsys.readouterr().out
