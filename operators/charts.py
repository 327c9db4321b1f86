"""Where the marks of a plot lie: pure geometry, in a box that is WIDTH by HEIGHT and stretched to its place."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600.0, 120.0
GAP = 0.25
"""The share of its place that a bar leaves empty."""


@dataclass(frozen=True)
class Rectangle:
    """A bar; `left` and `place` are where it may be pointed at."""

    x: float
    y: float
    width: float
    height: float
    left: float
    place: float


def top(values: Sequence[float]) -> float:
    """The end of the axis: the least of 1, 2, 2.5 and 5 times a power of ten that is no less than all values."""
    most, unit = max(values, default=0), 1.0
    while unit < most:
        for factor in (2, 2.5, 5, 10):
            if unit * factor >= most:
                return unit * factor
        unit *= 10
    return unit


def bars(values: Sequence[float]) -> list[Rectangle]:
    """A bar for each value, from left to right."""
    most, place = top(values), WIDTH / max(len(values), 1)
    return [
        Rectangle(
            x=round(number * place + place * GAP / 2, 2),
            y=round(HEIGHT - HEIGHT * value / most, 2),
            width=round(place * (1 - GAP), 2),
            height=round(HEIGHT * value / most, 2),
            left=round(number * place, 2),
            place=round(place, 2),
        )
        for number, value in enumerate(values)
    ]


def layers(rows: Sequence[Sequence[float]], at: Sequence[float]) -> list[str]:
    """Areas upon each other, as SVG paths: `rows[i]` are their heights at the moment `at[i]`, the lowest first."""
    if len(rows) < 2:
        return []
    most = top([sum(row) for row in rows])
    begin, span = at[0], at[-1] - at[0]
    xs = [WIDTH * (moment - begin) / span for moment in at]
    floor, paths = [0.0] * len(rows), []
    for layer in range(len(rows[0])):
        ceiling = [low + row[layer] for low, row in zip(floor, rows, strict=True)]
        there = " ".join(_point(x, high / most) for x, high in zip(xs, ceiling, strict=True))
        back = " ".join(_point(x, low / most) for x, low in zip(reversed(xs), reversed(floor), strict=True))
        paths.append(f"M{there} {back}Z".replace("M ", "M"))
        floor = ceiling
    return paths


def _point(x: float, share: float) -> str:
    return f"{x:.1f},{HEIGHT * (1 - share):.1f}"
