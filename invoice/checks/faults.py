"""What a check finds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

SHOWN = 3
"""How many of many instants a line names."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that is wrong: a code for machines, the rows that it is about, and what an operator needs to know."""

    code: str
    account: int | None = None
    subscription: int | None = None
    job: str | None = None
    message: str

    def __str__(self) -> str:
        where = (("account", self.account), ("subscription", self.subscription), ("job", self.job))
        named = ", ".join(f"{what} {which!r}" for what, which in where if which is not None)
        return f"{named or 'database'}: {self.message} [{self.code}]"

    def as_json(self) -> dict[str, Any]:
        """Without the rows that it is not about."""
        return {name: value for name, value in vars(self).items() if value is not None}


def when(second: int | None) -> str:
    """An instant, given in seconds since 1970, as operators read it."""
    if second is None:
        return "no time"
    try:
        return f"{_EPOCH + timedelta(seconds=second):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError):
        return f"{second:,} seconds after 1970"


def first_of(stretches: Iterable[range]) -> str:
    """The first few instants of many, and how many more there are."""
    stretches = list(stretches)
    named = [when(second) for second in islice(chain.from_iterable(stretches), SHOWN)]
    more = sum(map(len, stretches)) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def counted(number: int, what: str) -> str:
    """`1 invoice`, `2 invoices`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
