"""Numbers for people: with separators between the thousands, in the digits of the language. Ids are no numbers."""

import re
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

DIGITS = {"fa": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")}
"""The digits of a language that has its own."""
SINGULAR = {"fa"}
"""Languages in which two customers are two customer."""
SEPARATORS = {"fa": str.maketrans(",.", "٬٫")}
MINUS = {"fa": "\u200e−"}
"""The sign with what keeps it to the left of its digits, where the text runs from right to left."""
PLUS = {"fa": "\u200e+"}
_GROUPED = re.compile(r"[0-9]{1,3}(?P<separator>[,٬،'])[0-9]{3}((?P=separator)[0-9]{3})*")
_SIGN = re.compile("^[\u200e\u200f\u2066-\u2069]*([+-]?)")


def language() -> str:
    """The language of this moment, without its region."""
    return (get_language() or "en").partition("-")[0]


def digits(text: object) -> str:
    """The text with its digits as the language writes them."""
    own = DIGITS.get(language())
    return str(text).translate(own) if own else str(text)


def number(value: float | Decimal, decimals: int | None = None) -> str:
    """A number, such as `1,234,567` or `−۱۲٬۳۴۵٫۶`, rounded to `decimals` places if they are given."""
    rounded = abs(value) if decimals is None else round(abs(value), decimals)  # which Django would only cut off
    text = number_format(rounded, decimals, force_grouping=True)
    text = digits(text.translate(SEPARATORS.get(language(), {})))
    return f"{MINUS.get(language(), '-')}{text}" if value < 0 else text


money = number
"""Money in its smallest unit; a name of its own, since one day it may be shown in another."""


def change(amount: int) -> str:
    """What is added to or taken from something, with its sign."""
    return money(amount) if amount < 0 else f"{PLUS.get(language(), '+')}{money(amount)}"


def rows(count: int, one: object, many: object, *, bounded: bool = False) -> str:
    """So many of something or, `bounded`, perhaps more, by its names for one and for many."""
    said = _("%(count)s or more") % {"count": number(count)} if bounded else number(count)
    return f"{said} {one if (count == 1 and not bounded) or language() in SINGULAR else many}"


def compact(value: float) -> str:
    """A number for a glance: 950, 12.3 k, 4.57 M."""
    for power, unit, sign in (
        (1e15, 1e15, _("%(number)s P")),
        (1e12, 1e12, _("%(number)s T")),
        (1e9, 1e9, _("%(number)s G")),
        (1e6, 1e6, _("%(number)s M")),
        (1e4, 1e3, _("%(number)s k")),
    ):
        if abs(value) >= power:
            scaled = float(value) / unit
            places = f"{scaled:.3g}" if abs(scaled) < 1000 else f"{scaled:.0f}"
            return sign % {"number": number(Decimal(places))}
    return number(round(value))


def plain(text: str) -> str:
    """What somebody wrote as a number, for int(): ASCII digits and sign, without separators between thousands.

    What is no number stays none: separators that do not stand between groups of three are left.
    """
    text = text.strip().translate({0x2212: "-", 0xFF0B: "+", 0xFF0D: "-"})
    sign = _SIGN.match(text)
    rest = "".join(str(int(each)) if each.isdecimal() else each for each in text[sign.end() :])
    if grouped := _GROUPED.fullmatch(rest):
        rest = rest.replace(grouped["separator"], "")
    return sign[1] + rest
