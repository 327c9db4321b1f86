"""What was measured, one file for each row: bench/results."""

import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.measure import Measured
from tests import servers

FOLDER = Path(__file__).parent / "results"
HEAD = ("", "work", "compared with", "figure (least to most)", "to reach", "reached", "absolute")


def keep(measured: list[Measured]) -> None:
    """Writes a file for each: what was measured, when and on what, and every turn."""
    FOLDER.mkdir(exist_ok=True)
    where = {"at": f"{datetime.now(UTC):%Y-%m-%d}", "machine": _machine()}
    for each in measured:
        text = json.dumps(where | each.as_json(), indent=1, ensure_ascii=False)
        text = re.sub(r"\[[^][{}\"]*\]", lambda numbers: " ".join(numbers[0].split()), text)  # a list in one line
        FOLDER.joinpath(f"{each.name}.json").write_text(f"{text}\n", "utf-8")


def kept() -> dict[str, Measured]:
    """All that was ever kept, by name; the latest of each."""
    fields = Measured.__dataclass_fields__
    return {each["name"]: Measured(**{name: each[name] for name in fields}) for each in _files()}


def table(measured: list[Measured]) -> str:
    """In Markdown."""
    rows = [HEAD, ("---", "---", "---", "---:", "---:", "---", "---"), *(each.row() for each in measured)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def origin() -> str:
    """When and on what the rows that are kept were measured; which of them, where that differs."""
    found: dict[str, list[str]] = {}
    for each in _files():
        found.setdefault(f"{each['at']} on {each['machine']}", []).append(each["name"])
    if len(found) == 1:
        return f"Measured {next(iter(found))}."
    return "\n".join(f"- {', '.join(names)}: measured {where}" for where, names in found.items())


def _files() -> list[dict]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def _machine() -> str:
    ((version,),) = servers.rows(servers.beside(os.environ["DATABASE_URL"], "postgres"), "SHOW server_version")
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
        f" {psutil.virtual_memory().total / 2**30:.0f} GB, Python {platform.python_version()},"
        f" PostgreSQL {version.partition(' ')[0]}"
    )
