"""The packages that are pinned: those of the service, those of its workers, and those of the tests."""

import re
import tomllib

from packaging.requirements import Requirement

from tests import servers

EXACT = re.compile(r"==[^*,]+")


def of_files(*files: str) -> list[Requirement]:
    """What lists of requirements pin, and those that they include."""
    lines = [line for file in files for line in servers.ROOT.joinpath(file).read_text("utf-8").splitlines()]
    said = [re.sub(r"\s#.*|^#.*", "", line).strip() for line in lines]
    included = [line.removeprefix("-r ") for line in said if line.startswith("-r ")]
    own = [Requirement(line) for line in said if line and not line.startswith("-r ")]
    return [*(of_files(*included) if included else []), *own]


def of_the_service() -> list[Requirement]:
    return of_files("requirements-production.txt")


def of_newcomers() -> list[Requirement]:
    """The service, and what `pytest` wants."""
    return of_files("requirements.txt")


def with_celery() -> list[Requirement]:
    return of_files("requirements-production.txt", "requirements-celery.txt")


def with_the_tests() -> list[Requirement]:
    groups = tomllib.loads(servers.ROOT.joinpath("pyproject.toml").read_text("utf-8"))["dependency-groups"]
    return of_files("requirements.txt", "requirements-celery.txt") + [Requirement(line) for line in groups["dev"]]
