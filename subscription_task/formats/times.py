"""Times for people: UTC, in the calendar of the language."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.dateformat import DateFormat
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext, pgettext
from persiantools.jdatetime import JalaliDate

from subscription_task.formats.numbers import digits, language, number

MONTHS = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)
MACHINES = ("c", "r", "U")
"""Formats that programs read."""


class SolarHijri(DateFormat):
    """Django's formats of dates, by the calendar of Iran. The time of day and the days of the week are as they are."""

    def __init__(self, obj: date) -> None:
        super().__init__(obj)
        self.solar = JalaliDate(obj.date() if isinstance(obj, datetime) else obj)

    def d(self) -> str:
        return f"{self.solar.day:02d}"

    def j(self) -> int:
        return self.solar.day

    def m(self) -> str:
        return f"{self.solar.month:02d}"

    def n(self) -> int:
        return self.solar.month

    def F(self) -> str:
        return MONTHS[self.solar.month - 1]

    def Y(self) -> str:
        return f"{self.solar.year:04d}"

    def y(self) -> str:
        return f"{self.solar.year % 100:02d}"

    def t(self) -> int:
        return JalaliDate.days_in_month(self.solar.month, self.solar.year)

    def L(self) -> bool:
        return JalaliDate.is_leap(self.solar.year)

    def z(self) -> int:
        return JalaliDate.days_before_month(self.solar.month) + self.solar.day

    E = M = N = b = F


CALENDARS: dict[str, Callable[[date], DateFormat]] = {"fa": SolarHijri}
"""The calendar of a language that does not count by the Gregorian."""


def text(value: date | datetime, pattern: str = "DATETIME_FORMAT") -> str:
    """A date or a time by a format of Django's, or by the name of one of the language's own.

    Where the text runs from right to left, it is kept apart from what stands beside it.
    """
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = value.astimezone(UTC)
    pattern = _pattern(pattern)
    calendar = CALENDARS.get(language())
    if calendar is None or pattern in MACHINES:
        return formats.date_format(value, pattern)
    return f"\u2067{digits(calendar(value).format(pattern))}\u2069"


def _pattern(name: str) -> str:
    """What a name such as `MINUTE_FORMAT` stands for in the language; any other text as it is."""
    if not name.endswith("_FORMAT"):
        return name
    for module in formats.get_format_modules():
        if hasattr(module, name):
            return getattr(module, name)
    return formats.get_format(name)


def month_of(day: date) -> tuple[date, date]:
    """The first day of the month that the day is in, by the calendar of the language, and of the next."""
    if language() not in CALENDARS:
        return day.replace(day=1), (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    year, month = JalaliDate(day).year, JalaliDate(day).month
    following = JalaliDate(year + month // 12, month % 12 + 1, 1)
    return JalaliDate(year, month, 1).to_gregorian(), following.to_gregorian()


def year_of(day: date) -> tuple[date, date]:
    """The same of the year."""
    if language() not in CALENDARS:
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    year = JalaliDate(day).year
    return JalaliDate(year, 1, 1).to_gregorian(), JalaliDate(year + 1, 1, 1).to_gregorian()


def element(value: date | datetime | None, pattern: str = "DATETIME_FORMAT") -> str:
    """The same on a page, with the instant in ISO 8601 for programs, and for who points at it."""
    if value is None:
        return "-"
    iso = value.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, iso, text(value, pattern))


def span(length: timedelta) -> str:
    """How long that is, in its largest unit of which it holds two."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")


def period(seconds: int) -> str:
    """A length of time, whole: `10 minutes`, `1 hour 30 minutes`."""
    parts, rest = [], seconds
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(counted(count, unit))
    return pgettext("between units of time", " ").join(parts)


def ago(length: timedelta) -> str:
    """How long ago, in a few letters: `3 min ago`."""
    seconds = max(length.total_seconds(), 0)
    for size, said in (
        (86_400, gettext("%(count)s d ago")),
        (3_600, gettext("%(count)s h ago")),
        (60, gettext("%(count)s min ago")),
    ):
        if seconds >= size:
            return said % {"count": number(int(seconds // size))}
    return gettext("%(count)s s ago") % {"count": number(round(seconds))}


def counted(count: int, unit: str) -> str:
    """`1 day`, `2 days`."""
    said: dict[str, Any] = {
        "day": ngettext("%(count)s day", "%(count)s days", count),
        "hour": ngettext("%(count)s hour", "%(count)s hours", count),
        "minute": ngettext("%(count)s minute", "%(count)s minutes", count),
        "second": ngettext("%(count)s second", "%(count)s seconds", count),
    }
    return said[unit] % {"count": number(count)}
