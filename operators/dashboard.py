"""The first page of the admin: figures as pictures, and where to go from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from operators import charts, figures
from operators.figures import Bar, Figures
from operators.models import Sample

TITLES = {"minute": "Income per minute", "hour": "Income per hour", "day": "Income per day"}
FORMATS = {"minute": "%H:%M", "hour": "%a %H:%M", "day": "%b %-d"}
POINTS = 120
"""How many samples a plot shows at most."""
STATES = ("running", "insufficient_credit", "deactivated")


@dataclass(frozen=True)
class Plot:
    """Bars, each with what it says when it is pointed at, and the ends of the axes."""

    name: str
    title: str
    bars: list[tuple[charts.Rectangle, str, Bar]]
    top: str
    first: str
    last: str
    amount: int
    invoices: int


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the page's template wants, for operators who may see invoices. Of unfold's DASHBOARD_CALLBACK."""
    if request.user.has_perm("invoice.view_invoice"):
        found = figures.read()
        context["figures"] = found
        context["plots"] = [_plot(unit, bars) for unit, bars in found.income.items()]
        context["cards"] = _cards(found)
        context["stood"] = _stood(found.samples)
        context["schedulers"] = [(each, each in found.living) for each in found.schedulers]
    return context


def compact(number: float) -> str:
    """A number for a glance: 950, 12.3 k, 4.57 M."""
    for power, sign in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= power:
            scaled = float(number) / (1e3 if sign == "k" else power)
            return f"{scaled:.3g} {sign}" if abs(scaled) < 1000 else f"{scaled:,.0f} {sign}"
    return f"{number:,.0f}"


def _cards(found: Figures) -> list[dict[str, Any]]:
    """Four numbers that say most, each with what it is to be compared with."""
    today, yesterday = found.income["day"][-1], found.income["day"][-2]
    hour = found.income["minute"]
    stood = found.stood
    subscriptions = sum(getattr(stood, state) for state in STATES) if stood else 0
    latest = max((each.last_at for each in found.schedulers if each.last_at), default=None)
    return [
        {
            "title": "Income today",
            "value": compact(today.amount),
            "exact": f"{today.amount:,}",
            "note": f"{compact(yesterday.amount)} yesterday, the whole day",
            "link": reverse("admin:invoice_invoice_changelist"),
        },
        {
            "title": "Invoices in the last hour",
            "value": compact(sum(bar.invoices for bar in hour)),
            "exact": f"{sum(bar.invoices for bar in hour):,}",
            "note": f"{compact(today.invoices)} today",
            "link": reverse("admin:invoice_invoice_changelist"),
        },
        {
            "title": "Running subscriptions",
            "value": compact(stood.running) if stood else "–",
            "exact": f"{stood.running:,}" if stood else "",
            "note": f"of {compact(subscriptions)}; {compact(stood.per_day)} a day" if stood else "not counted yet",
            "link": reverse("admin:subscription_subscription_changelist"),
        },
        {
            "title": "Lag",
            "value": f"{found.lag:,.1f} s" if found.lag >= 1 else "none",
            "exact": f"{found.backlog:,} jobs due",
            "note": f"last pass {_ago(found.at, latest)}" if latest else "no pass yet",
            "link": reverse("admin:django_apscheduler_djangojob_changelist"),
        },
    ]


def _plot(unit: str, income: list[Bar]) -> Plot:
    pattern = FORMATS[unit]
    return Plot(
        name=unit,
        title=TITLES[unit],
        bars=[
            (place, f"{bar.at:{pattern}}: {bar.amount:,} from {bar.invoices:,} invoices", bar)
            for place, bar in zip(charts.bars([bar.amount for bar in income]), income, strict=True)
        ],
        top=compact(charts.top([bar.amount for bar in income])),
        first=f"{income[0].at:{pattern}}",
        last=f"{income[-1].at:{pattern}}",
        amount=sum(bar.amount for bar in income),
        invoices=sum(bar.invoices for bar in income),
    )


def _stood(samples: list[Sample]) -> dict[str, Any]:
    """The day's samples as areas upon each other, running ones at the bottom."""
    shown = samples[:: max(len(samples) // POINTS, 1)]
    rows = [[getattr(sample, state) for state in STATES] for sample in shown]
    return {
        "areas": list(zip(STATES, charts.layers(rows, [sample.at.timestamp() for sample in shown]), strict=False)),
        "top": compact(charts.top([sum(row) for row in rows])),
        "samples": shown[:: max(len(shown) // 24, 1)],
        "first": shown[0].at if shown else None,
        "last": shown[-1].at if shown else None,
    }


def _ago(at: datetime, then: datetime) -> str:
    seconds = max((at - then).total_seconds(), 0)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
