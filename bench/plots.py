"""`python -m bench.plots`: draws bench/results into docs/figures. The same results make the same files."""

import statistics
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench import record
from bench.measure import CLEAR, Measured, number
from tests import servers

FOLDER = servers.ROOT / "docs/figures"
INK, PALE, OURS, MISSED = "#333333", "#a0a0a0", "#1f6fa8", "#c0392b"
STYLE = {
    "svg.hashsalt": "bench",  # else the ids in the file are random
    "svg.fonttype": "none",  # text stays text
    "figure.facecolor": "white",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
}
Measures = dict[str, Measured]


def draw(folder: Path = FOLDER, kind: str = "svg") -> None:
    """Draws every plot of which there are results."""
    kept = record.kept()
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, (needs, plot) in PLOTS.items():
            if kept and needs <= kept.keys():
                figure = plot(kept)
                metadata = {"Date": None} if kind == "svg" else None
                figure.savefig(folder / f"{name}.{kind}", bbox_inches="tight", dpi=110, metadata=metadata)


def bars(kept: Measures) -> Figure:
    """Every row: by what factor it clears its bar."""
    rows = list(kept.values())
    figure, axes = _axes(0.42 * len(rows) + 0.9, width=9.5)
    figure.subplots_adjust(left=0.42, right=0.82)
    for place, each in enumerate(rows):
        margins = [each.margin(value) for value in each.figures]
        _span(axes, place, margins, OURS if each.reached else MISSED)
        cells = each.row()
        said = f"{cells[3].partition(' (')[0]}, to reach {cells[4]}"
        axes.annotate(said, (0.83, place), xycoords=("figure fraction", "data"), va="center", fontsize=8)
        _words(axes, place, f"{cells[0]}  {each.work}", INK, "bottom")
        _words(axes, place, f"beside {each.compared_with}", PALE, "top")
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{'≥ ' if x >= CLEAR else ''}{x:g} ×"))
    axes.xaxis.set_minor_locator(NullLocator())
    _rows(axes, [""] * len(rows))
    axes.set_title("By what factor each figure clears its bar: right of the line it is reached")
    return figure


def rates(kept: Measures) -> Figure:
    """Invoices a second of the stock design, the service, and the limit."""
    stock, one, two = (kept[name] for name in RATES)
    rows = [
        ("the stock design, 10,000 jobs", stock.others, PALE),
        ("the service, one process", one.ours, OURS),
        ("the service, two processes", two.ours, OURS),
        ("the limit, one connection", one.others, PALE),
        ("the limit, two connections", two.others, PALE),
    ]
    figure, axes = _axes(2.4)
    for place, (_, values, ink) in enumerate(rows):
        middle = statistics.median(values)
        axes.barh(place, middle, 0.55, color=ink)
        axes.plot([min(values), max(values)], [place, place], color=INK, linewidth=1.2)
        axes.annotate(number(middle), (max(values), place), (6, 0), textcoords="offset points", va="center", fontsize=9)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    _rows(axes, [name for name, _, _ in rows])
    axes.set_title("Invoices a second, 100,000 jobs due at one instant (lines: least to most)")
    return figure


def lateness(kept: Measures) -> Figure:
    """How late the invoices of each second were."""
    measured = kept["B2-lateness"]
    figure, axes = _axes(2.8)
    axes.plot(measured.series["p99"], color=OURS, linewidth=1.2)
    _bar(axes, measured.reach, f"to reach: {measured.reach:g} ms")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.set_xlabel("seconds")
    axes.set_title("Milliseconds after each instant until 99 % of its invoices are there")
    return figure


def size(kept: Measures) -> Figure:
    """What an invoice costs by the number of them in the table, beside what it costs with none."""
    measured = kept["B8-size"]
    figure, axes = _axes(2.8)
    axes.axhline(1, color=PALE, linewidth=0.8)
    for millions, ratios in sorted((int(name) / 1e6, ratios) for name, ratios in measured.series.items()):
        middle = statistics.median(ratios)
        axes.plot([millions, millions], [min(ratios), max(ratios)], color=OURS, linewidth=1.2)
        axes.plot(millions, middle, "o", color=OURS)
        axes.annotate(number(middle), (millions, middle), (7, -3), textcoords="offset points", color=OURS)
    _bar(axes, measured.reach, f"to reach: {measured.reach:g}")
    axes.margins(x=0.1)
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.set_xlabel("million invoices in the table")
    axes.set_title("What an invoice costs in a burst, beside the same with none in the table (lines: least to most)")
    return figure


def _axes(height: float, width: float = 7) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _span(axes: Axes, place: float, values: list[float], ink: str) -> None:
    """A dot at the median, a line from the least to the most."""
    axes.plot([min(values), max(values)], [place, place], color=ink, linewidth=1.5)
    axes.plot(statistics.median(values), place, "o", color=ink, markersize=5)


def _words(axes: Axes, place: float, words: str, ink: str, side: str) -> None:
    """Words at the left edge, above a row's middle or below it."""
    where, shift = ("figure fraction", "data"), (0, 1 if side == "bottom" else -1)
    axes.annotate(words, (0, place), shift, xycoords=where, textcoords="offset points", va=side, color=ink, fontsize=8)


def _rows(axes: Axes, names: list[str]) -> None:
    """One row for each name, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _bar(axes: Axes, height: float, said: str) -> None:
    """The height to stay below."""
    axes.axhline(height, color=INK, linewidth=0.8, linestyle=(0, (5, 3)))
    where = ("axes fraction", "data")
    axes.annotate(said, (1, height), (4, 0), xycoords=where, textcoords="offset points", va="center", fontsize=8)


RATES = ("B1-stock", "B1-limit-100000", "B1-limit-two")
PLOTS = {
    "bars": (set(), bars),
    "rates": (set(RATES), rates),
    "lateness": ({"B2-lateness"}, lateness),
    "size": ({"B8-size"}, size),
}


if __name__ == "__main__":
    draw()
