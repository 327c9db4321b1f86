"""What was measured, and two things measured in turn."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import sub, truediv
from pathlib import Path
from typing import Any

from bench import pace
from tests import servers

CLEAR = 10
"""The greatest margin there is: for a figure of nothing, it would be infinite."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One row: the values of the service and of what it is compared with, in `unit`, a pair for each turn.

    The figure of a turn is their ratio or, if `difference`, how much more the service's is; without `others` it is the
    service's value itself. Their median is to be at least `reach` or, if `at_most`, at most. `series` is for plots.
    """

    name: str
    work: str
    compared_with: str
    unit: str
    reach: float
    ours: list[float]
    others: list[float] = field(default_factory=list)
    difference: bool = False
    at_most: bool = False
    series: dict[str, list[float]] = field(default_factory=dict)

    @property
    def figures(self) -> list[float]:
        if not self.others:
            return self.ours
        compare = sub if self.difference else truediv
        return [compare(ours, other) for ours, other in zip(self.ours, self.others, strict=True)]

    @property
    def reached(self) -> bool:
        figure = statistics.median(self.figures)
        return figure <= self.reach if self.at_most else figure >= self.reach

    def margin(self, figure: float) -> float:
        """By what factor a figure clears the bar: 1 and more is reached, whichever way the bar lies."""
        least = self.reach / CLEAR
        return self.reach / max(figure, least) if self.at_most else min(figure / self.reach, CLEAR)

    def row(self) -> list[str]:
        """Of a table: what stands in each column."""
        suffix = f" {self.unit}" if not self.others else f" {self.unit} more" if self.difference else ""
        middle, least, most = statistics.median(self.figures), min(self.figures), max(self.figures)
        both = " and ".join(number(statistics.median(values)) for values in (self.ours, self.others) if values)
        return [
            self.name.partition("-")[0],
            self.work,
            self.compared_with,
            f"{number(middle)}{suffix} ({number(least)} to {number(most)})",
            f"{'≤' if self.at_most else '≥'} {self.reach:g}{suffix}",
            "yes" if self.reached else "**no**",
            f"{both} {self.unit}" if self.others else "",
        ]

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"figure": statistics.median(self.figures), "reached": self.reached}


def number(value: float) -> str:
    """Three digits or so."""
    return f"{value:,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}".replace("-", "−")


def in_turn(turns: int, what: str, ours: Callable[[], Any], other: Callable[[], Any]) -> tuple[list, list]:
    """Measures both, one after the other, so many times; which one begins changes."""
    found: tuple[list, list] = [], []
    for turn in pace.steps(range(turns), what):
        pair = [(0, ours), (1, other)]
        for place, measure in reversed(pair) if turn % 2 else pair:
            found[place].append(measure())
    return found


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """A copy of a database that nobody is connected to; its pages are on disk before it is used."""
    if url.startswith("sqlite"):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "copy.db")
            shutil.copy(url.removeprefix("sqlite:///"), path)
            os.sync()
            yield f"sqlite:///{path.as_posix()}"
        return
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
