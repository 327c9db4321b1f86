"""The hours, days and months of a time zone, as instants.

A day there has 23 or 25 hours where the clocks are changed, and an hour that comes twice is two.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

Span = tuple[datetime, datetime]
"""From an instant up to, not including, another one; both in UTC."""


@cache
def names() -> frozenset[str]:
    """IANA's names of zones, without the names that only this machine knows."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def text(instant: datetime, zone: ZoneInfo) -> str:
    """RFC 3339, with the offset that the zone has then; in UTC where that had seconds, as it did long ago."""
    local = instant.astimezone(zone)
    if local.utcoffset() % MINUTE:
        local = instant
    return local.isoformat().replace("+00:00", "Z")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins there. Raises OverflowError beyond the years 1 to 9999."""
    first, second = (datetime.combine(day, time(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    # Where clocks are put forward over midnight there is none: the day begins when they are.
    return first if first <= second else _change(second, first, zone)


def hour(instant: datetime, zone: ZoneInfo) -> Span:
    """The hour of the zone's clocks in which an instant is, cut where they are changed."""
    local = instant.astimezone(zone)
    begin = instant - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    end = begin + HOUR
    if _offset(begin, zone) != local.utcoffset():
        begin = _change(begin, instant.replace(microsecond=0), zone)
    if _offset(end, zone) != local.utcoffset():
        end = _change(instant.replace(microsecond=0), end, zone)
    return begin, end


def day(instant: datetime, zone: ZoneInfo) -> Span:
    return _span(instant, zone, lambda first: first + DAY, instant.astimezone(zone).date())


def month(instant: datetime, zone: ZoneInfo) -> Span:
    return _span(instant, zone, _next_month, instant.astimezone(zone).date().replace(day=1))


UNITS: dict[str, Callable[[datetime, ZoneInfo], Span]] = {"hour": hour, "day": day, "month": month}


def spans(unit: str, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[Span]:
    """All time from `since` up to `until` in its hours, days or months; the first and the last may be cut short."""
    while since < until:
        _, end = UNITS[unit](since, zone)
        yield since, min(end, until)
        since = end


def _next_month(first: date) -> date:
    return (first + 31 * DAY).replace(day=1)


def _span(instant: datetime, zone: ZoneInfo, following: Callable[[date], date], first: date) -> Span:
    begin, after = midnight(first, zone), following(first)
    while (end := midnight(after, zone)) <= instant:  # clocks went back over midnight: it is the next day already
        begin, after = end, following(after)
    return begin, end


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset()


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second that has the offset of `after`, of which `before` has another."""
    offset = _offset(after, zone)
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if _offset(middle, zone) == offset:
            after = middle
        else:
            before = middle
    return after
