"""What a person reads on a page, or hears of it: for tests that look for words of another language."""

import re
from html.parser import HTMLParser

TOLD = ("title", "placeholder", "aria-label", "alt", "data-label")
"""Attributes that people are shown or read."""
UNSEEN = {"script", "style", "template", "code", "bdo"}
VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
    "path",
    "rect",
}
ICON = "material-symbols-outlined"
LATIN = re.compile(r"[A-Za-zÀ-ɏ][\w'’.-]*")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.open: list[tuple[str, bool]] = []

    @property
    def seen(self) -> bool:
        return all(seen for _, seen in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        # Icons are ligatures of their names; times have the instant for programs; a language calls itself by its name.
        seen = tag not in UNSEEN and ICON not in given.get("class", "") and "lang" not in given or tag == "html"
        if self.seen and seen and tag != "time":
            self.said += [given[name] for name in TOLD if name in given]
            if tag == "input" and given.get("type") in ("submit", "button"):
                self.said.append(given.get("value", ""))
        if tag not in VOID:
            self.open.append((tag, seen))

    def handle_endtag(self, tag: str) -> None:
        while any(tag == each for each, _ in self.open) and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.seen and data.strip():
            self.said.append(" ".join(data.split()))


def texts(html: str) -> list[str]:
    """What a page says, piece by piece."""
    reader = _Reader()
    reader.feed(html)
    return reader.said


def latin(html: str, *, but: set[str]) -> set[str]:
    """The pieces with a word in Latin letters that is none of `but`."""
    return {text for text in texts(html) if set(LATIN.findall(text)) - but}
