"""Two things in turn, and their ratio."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import pace
from tests import servers


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Rates (of what `unit` says, a second) of the service and of what it is compared with, one pair for each turn."""

    name: str
    work: str
    compared_with: str
    unit: str
    reach: float
    ours: list[float]
    others: list[float]

    @property
    def ratios(self) -> list[float]:
        return [ours / other for ours, other in zip(self.ours, self.others, strict=True)]

    def row(self) -> str:
        """Of a table in Markdown."""
        ratio = f"{statistics.median(self.ratios):.2f} ({min(self.ratios):.2f} to {max(self.ratios):.2f})"
        absolute = f"{statistics.median(self.ours):,.0f} and {statistics.median(self.others):,.0f} {self.unit}/s"
        return f"| {self.work} | {self.compared_with} | {ratio} | {self.reach:g} | {absolute} |"

    def as_json(self) -> dict[str, object]:
        return vars(self) | {"ratio": statistics.median(self.ratios)}


def in_turn(turns: int, what: str, ours: Callable[[], float], other: Callable[[], float]) -> tuple[list, list]:
    """Measures both, one after the other, so many times; which one begins changes."""
    found: tuple[list[float], list[float]] = [], []
    for turn in pace.steps(range(turns), what):
        pair = [(0, ours), (1, other)]
        for place, measure in reversed(pair) if turn % 2 else pair:
            found[place].append(measure())
    return found


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """A copy of a PostgreSQL database that nobody is connected to; its pages are on disk before it is used."""
    copy = f"{servers.name_of(url)}_copy"
    servers.administer(url, f"CREATE DATABASE {copy} TEMPLATE {servers.name_of(url)}")
    try:
        servers.administer(url, "CHECKPOINT")
        yield servers.beside(url, copy)
    finally:
        servers.administer(url, f"DROP DATABASE {copy} WITH (FORCE)")


def together(database_url: str, *commands: list[str]) -> list[dict[str, float]]:
    """Runs `python -m` commands that say when they are ready, lets all begin at once, and returns what they printed."""
    settings = servers.PRODUCTION | {"DATABASE_URL": database_url, "SCHEDULER": "off"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=servers.ROOT,
            env=servers.environment(**settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n", "a process failed before it was ready"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [json.loads(process.stdout.readline()) for process in processes]
    for process in processes:
        process.communicate()
    return found
