"""The first page of the admin: figures as pictures, and where to go from them."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from operators import charts, figures
from operators.figures import Bar, Figures
from operators.models import Sample
from subscription_task.formats import times
from subscription_task.formats.numbers import compact, money, number

TITLES = {
    # of a plot; of the times in its table, and their form
    "minute": (gettext_lazy("Income per minute"), gettext_lazy("Minute"), "MINUTE_FORMAT"),
    "hour": (gettext_lazy("Income per hour"), gettext_lazy("Hour"), "MINUTE_FORMAT"),
    "day": (gettext_lazy("Income per day"), gettext_lazy("Day"), "DATE_FORMAT"),
}
POINTS = 120
"""How many samples a plot shows at most."""
STATES = ("running", "insufficient_credit", "deactivated")


@dataclass(frozen=True)
class Plot:
    """Bars, each with what it says when it is pointed at, and the ends of the axes."""

    title: str
    unit: str
    form: str
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


def _cards(found: Figures) -> list[dict[str, Any]]:
    """Four numbers that say most, each with what it is to be compared with."""
    today, yesterday = found.income["day"][-1], found.income["day"][-2]
    hour = found.income["minute"]
    stood = found.stood
    subscriptions = sum(getattr(stood, state) for state in STATES) if stood else 0
    latest = max((each.last_at for each in found.schedulers if each.last_at), default=None)
    hourly = sum(bar.invoices for bar in hour)
    return [
        {
            "title": _("Income today"),
            "value": compact(today.amount),
            "exact": money(today.amount),
            "note": _("%(amount)s yesterday, the whole day") % {"amount": compact(yesterday.amount)},
            "link": reverse("admin:invoice_invoice_changelist"),
        },
        {
            "title": _("Invoices in the last hour"),
            "value": compact(hourly),
            "exact": number(hourly),
            "note": _("%(count)s today") % {"count": compact(today.invoices)},
            "link": reverse("admin:invoice_invoice_changelist"),
        },
        {
            "title": _("Running subscriptions"),
            "value": compact(stood.running) if stood else "–",
            "exact": number(stood.running) if stood else "",
            "note": _("of %(count)s; %(amount)s a day")
            % {"count": compact(subscriptions), "amount": compact(stood.per_day)}
            if stood
            else _("not counted yet"),
            "link": reverse("admin:subscription_subscription_changelist"),
        },
        {
            "title": _("Lag"),
            "value": _("%(seconds)s s") % {"seconds": number(found.lag, 1)} if found.lag >= 1 else _("none"),
            "exact": _("%(count)s jobs due") % {"count": number(found.backlog)},
            "note": _("last pass %(ago)s") % {"ago": times.ago(found.at - latest)} if latest else _("no pass yet"),
            "link": reverse("admin:django_apscheduler_djangojob_changelist"),
        },
    ]


def _plot(unit: str, income: list[Bar]) -> Plot:
    pattern = f"AXIS_{unit.upper()}_FORMAT"
    title, name, form = TITLES[unit]
    return Plot(
        title=str(title),
        unit=str(name),
        form=form,
        bars=[
            (place, _says(bar, pattern), bar)
            for place, bar in zip(charts.bars([bar.amount for bar in income]), income, strict=True)
        ],
        top=compact(charts.top([bar.amount for bar in income])),
        first=times.text(income[0].at, pattern),
        last=times.text(income[-1].at, pattern),
        amount=sum(bar.amount for bar in income),
        invoices=sum(bar.invoices for bar in income),
    )


def _says(bar: Bar, pattern: str) -> str:
    """What a bar says when it is pointed at."""
    said = ngettext(
        "%(time)s: %(amount)s from %(count)s invoice", "%(time)s: %(amount)s from %(count)s invoices", bar.invoices
    )
    return said % {"time": times.text(bar.at, pattern), "amount": money(bar.amount), "count": number(bar.invoices)}


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
