"""Letters that keyboards have in two forms, those of Arabic and those of Persian that look the same; and names in
letters that run the other way.
"""

from unicodedata import bidirectional

from django.utils.translation import get_language_bidi

_TO_PERSIAN = str.maketrans("\u064a\u0649\u0643", "\u06cc\u06cc\u06a9")
_TO_ARABIC = str.maketrans("\u06cc\u06a9", "\u064a\u0643")


def persian(text: str) -> str:
    """The text with the letters of Persian."""
    return text.translate(_TO_PERSIAN)


def spellings(text: str) -> set[str]:
    """The ways in which somebody may have written it."""
    return {text, persian(text), persian(text).translate(_TO_ARABIC)}


def with_id(name: str, number: int) -> str:
    """What somebody has named, with its id behind it, also where the name runs the other way than the page."""
    if get_language_bidi():
        return f"\u2068{name} ({number})\u2069"
    if any(bidirectional(character) in ("R", "AL") for character in name):
        name = f"\u2068{name}\u2069"
    return f"{name} ({number})"
