"""Sentences that are kept in English and shown in the language of the page: of the operators' log, and of repairs.

What is kept outlives languages and translations, is searched, and is read by programs and by people who read each
other's. So it is plain English, and a sentence of ours is recognised when it is shown. What is none, such as a name or
a reason, stays as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext, override

from subscription_task.formats import numbers, times

_HOLE = re.compile(r"%\((\w+)\)s")
_COUNT = re.compile(r"[0-9]{1,3}(,[0-9]{3})+|[0-9]+")
_CHANGE = re.compile(r"[+-][0-9]+")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(\+00(:00)?)?")
_TIMES = re.compile(f"(?P<times>{_TIME.pattern}(, {_TIME.pattern})+)( and (?P<more>[0-9,]+) more)?")
_AND = re.compile(r", | and ")


@dataclass(frozen=True)
class Sentence:
    """A sentence with holes such as `%(amount)s`.

    What stands in one is read: a count, a change, a time, a list of times, a sentence, a word that has a translation.
    In one whose name ends in `id` it is a name without spaces, and in `fields` a list of labels. `rest` takes all that
    follows, and so does `quoted`, which is not read.
    """

    english: str

    def __mod__(self, values: Mapping[str, object]) -> str:
        """The sentence as it is kept."""
        return self.english % values

    def __str__(self) -> str:
        return self.english

    @property
    def pattern(self) -> re.Pattern[str]:
        parts = _HOLE.split(self.english)
        parts[::2] = map(re.escape, parts[::2])
        parts[1::2] = map(_hole, parts[1::2])
        return re.compile(f"{''.join(parts)}(?: |$)", re.DOTALL)

    def translated(self, found: re.Match[str]) -> str:
        return gettext(self.english) % {name: _value(name, said) for name, said in found.groupdict().items()}


def _hole(name: str) -> str:
    taken = ".+" if name in ("rest", "quoted") else r"\S+?" if name.endswith("id") else ".+?"
    return f"(?P<{name}>{taken})"


_KNOWN: dict[re.Pattern[str], Sentence] = {}


def sentence(english: str) -> Sentence:
    """Makes a sentence known. Its text is marked with gettext_noop, so that it is translated."""
    said = Sentence(english)
    _KNOWN[said.pattern] = said
    return said


def known() -> Iterable[Sentence]:
    """All sentences there are."""
    return _KNOWN.values()


def in_english() -> override:
    """A context in which everything is said as it is kept."""
    return override(settings.LANGUAGE_CODE)


def shown(text: str) -> str:
    """What is kept, in the language of the page."""
    return text if numbers.language() == settings.LANGUAGE_CODE else " ".join(_each(text))


def _each(text: str) -> Iterator[str]:
    """Sentence after sentence; all the rest as it is, where one begins that is not ours."""
    while text:
        # The longest, since one may begin as another does.
        found = max((match for pattern in _KNOWN if (match := pattern.match(text))), key=re.Match.end, default=None)
        if found is None:
            yield _isolated(text)
            return
        yield _KNOWN[found.re].translated(found)
        text = text[found.end() :]


def _value(name: str, said: str) -> str:
    if name == "fields":
        return gettext(", ").join(capfirst(_label(each)) for each in _AND.split(said))
    if name.endswith("id"):
        return said
    if name == "quoted":
        return _isolated(said)
    if _COUNT.fullmatch(said):
        return numbers.number(int(said.replace(",", "")))
    if _CHANGE.fullmatch(said):
        return numbers.change(int(said))
    if _TIME.fullmatch(said):
        return times.text(datetime.fromisoformat(said[:19]).replace(tzinfo=UTC))
    if several := _TIMES.fullmatch(said):
        named = gettext(", ").join(_value("", each) for each in several["times"].split(", "))
        more = several["more"]
        return gettext("%(times)s and %(count)s more") % {"times": named, "count": _value("", more)} if more else named
    if (translated := gettext(said)) != said:
        return translated
    for pattern, each in _KNOWN.items():
        if found := pattern.fullmatch(said):
            return each.translated(found)
    return _isolated(said)


def _label(english: str) -> str:
    """The name of a field, which Django begins with a capital where it says what was changed."""
    own = gettext(english)
    return own if own != english else str(gettext(english[:1].lower() + english[1:]))


def _isolated(text: str) -> str:
    """Kept from turning round what stands beside it."""
    return f"\u2068{text}\u2069"
