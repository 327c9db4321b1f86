"""What the dashboard shows, read in a few grouped queries over small tables, whatever the size of the big ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import FloatField, Sum
from django.db.models.functions import Cast, TruncDay, TruncHour, TruncMinute
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customer import clock
from customer.models import SetAside
from invoice import billing
from invoice.models import Checked, Tally
from operators import samples
from operators.models import Flapping, RunsDry, Sample, SchedulerProcess
from operators.presence import is_heard_of
from subscription_task.formats.numbers import number

UNITS = {
    "minute": (TruncMinute, timedelta(minutes=1), 60),
    "hour": (TruncHour, timedelta(hours=1), 48),
    "day": (TruncDay, timedelta(days=1), 30),
}
"""For each plot of income: how instants are grouped, how far the groups lie apart, and how many are shown."""
LATE = 5
"""The seconds of lag that are nobody's fault: schedulers look each second, and leave work to each other."""
COUNTED = 10_000
"""As far as the backlog of this moment is counted."""
STALE = timedelta(hours=30)
"""A check that is made each night is older than this where one was missed."""
LISTED = 8
"""How many accounts and subscriptions a list shows."""


@dataclass(frozen=True)
class Bar:
    """The invoices of a unit of time, and what they came to."""

    at: datetime
    invoices: int
    amount: int


@dataclass(frozen=True)
class Alarm:
    """Something that wants an operator: `critical` where billing stands still or may be wrong."""

    text: str
    critical: bool = True


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How it goes at `at`. Lists hold the first LISTED; what is None has not been looked at yet."""

    at: datetime
    income: dict[str, list[Bar]]
    lag: float
    backlog: int
    samples: list[Sample]
    schedulers: list[SchedulerProcess]
    dry: list[RunsDry]
    flapping: list[Flapping]
    set_aside: list[SetAside]
    set_asides: int
    checked: Checked | None

    @property
    def stood(self) -> Sample | None:
        """How all subscriptions stood lately."""
        return self.samples[-1] if self.samples else None

    @property
    def living(self) -> list[SchedulerProcess]:
        """The schedulers that were heard of just now."""
        return [each for each in self.schedulers if is_heard_of(each, at=self.at)]

    @property
    def alarms(self) -> list[Alarm]:
        """What is wrong, the worst first."""
        return sorted(self._alarms(), key=lambda alarm: not alarm.critical)

    def _alarms(self) -> Iterator[Alarm]:
        if not self.living:
            yield Alarm(_("No scheduler runs: nothing is billed until one does."))
        elif self.lag > LATE:
            late = _("Billing is %(seconds)s s late, with a backlog of %(jobs)s jobs.")
            yield Alarm(late % {"seconds": number(round(self.lag)), "jobs": _bounded(self.backlog)})
        for each in self.living:
            if each.state == SchedulerProcess.State.FAILS:
                fails = _("Passes fail in process %(pid)s on %(host)s: see its log.")
                yield Alarm(fails % {"pid": each.pid, "host": each.host})
        if self.set_asides:
            aside = ngettext(
                "%(count)s account is set aside: not billed, and closed to changes, until repaired.",
                "%(count)s accounts are set aside: not billed, and closed to changes, until repaired.",
                self.set_asides,
            )
            yield Alarm(aside % {"count": number(self.set_asides)})
        if self.checked and self.checked.faults:
            found = ngettext(
                "The last check found a fault in the books.",
                "The last check found %(count)s faults in the books.",
                self.checked.faults,
            )
            yield Alarm(found % {"count": number(self.checked.faults)})
        if self.checked and not (clock.believed(self.checked.at, now=self.at) and self.at - self.checked.at <= STALE):
            yield Alarm(_("The books were last checked more than a day ago."), critical=False)


def read() -> Figures:
    """Everything at this instant, in a dozen queries."""
    at = clock.now()
    due = billing.next_due()
    late = due is not None and due < at
    set_aside = SetAside.objects.order_by("-since", "pk").select_related("account__customer")
    return Figures(
        at=at,
        income={unit: _income(unit, at) for unit in UNITS},
        lag=(at - due).total_seconds() if late else 0.0,
        backlog=samples.backlog(at, most=COUNTED) if late else 0,
        samples=list(Sample.objects.filter(at__gt=at - timedelta(days=1), at__lte=at + clock.APART).order_by("at")),
        schedulers=list(SchedulerProcess.objects.order_by("host", "-seen_at")),
        dry=list(RunsDry.objects.order_by("at")[:LISTED]),
        flapping=list(Flapping.objects.order_by("-times", "-last_at")[:LISTED]),
        set_aside=list(set_aside[:LISTED]),
        set_asides=set_aside.count(),
        checked=Checked.objects.order_by("id").last(),
    )


def _income(unit: str, at: datetime) -> list[Bar]:
    """A bar for each of the latest units of time, the present one last, those without invoices included."""
    truncate, step, count = UNITS[unit]
    last = at.replace(second=0, microsecond=0)
    if unit != "minute":
        last = last.replace(minute=0)
    if unit == "day":
        last = last.replace(hour=0)
    first = last - (count - 1) * step
    tallies = Tally.objects.filter(minute__gte=first, minute__lt=last + step).annotate(begin=truncate("minute"))
    # As floats, since a sum of amounts can be beyond what SQLite adds up.
    sums = tallies.values("begin").annotate(count=Sum("invoices"), total=Sum(Cast("amount", FloatField())))
    found = {row["begin"]: row for row in sums}
    none = {"count": 0, "total": 0}
    return [
        Bar(begin, found.get(begin, none)["count"], round(found.get(begin, none)["total"]))
        for begin in (first + number * step for number in range(count))
    ]


def _bounded(count: int) -> str:
    return _("%(count)s and more") % {"count": number(COUNTED)} if count >= COUNTED else number(count)
