"""Letters that keyboards have in two forms: those of Arabic, and those of Persian that look the same."""

_TO_PERSIAN = str.maketrans("\u064a\u0649\u0643", "\u06cc\u06cc\u06a9")
_TO_ARABIC = str.maketrans("\u06cc\u06a9", "\u064a\u0643")


def persian(text: str) -> str:
    """The text with the letters of Persian."""
    return text.translate(_TO_PERSIAN)


def spellings(text: str) -> set[str]:
    """The ways in which somebody may have written it."""
    return {text, persian(text), persian(text).translate(_TO_ARABIC)}
