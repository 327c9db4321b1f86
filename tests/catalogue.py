"""The catalogue of translations, by `make messages`: `locale/<language>/LC_MESSAGES/django.po`, and the .mo from it.

It holds what our code and templates mark for translation, and what the frameworks say to those who use the API: their
own Persian is not whole, and does not call things as ours does. No gettext tools are wanted for it.
"""

import importlib.util
import io
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = Path(django.__file__).parent.parent
APPS = ("subscription_task", "customer", "subscription", "invoice", "operators")
ENGLISH = ("tests", "migrations", "management", "simulation", "demo")
"""Folders whose texts nobody translates: what commands print is English, as is the log."""
FRAMEWORKS = (
    # modules whose texts can be in an answer of the API
    "django.contrib.auth.password_validation",
    "django.contrib.auth.validators",
    "django.core.validators",
    "rest_framework.exceptions",
    "rest_framework.fields",
    "rest_framework.pagination",
    "rest_framework.relations",
    "rest_framework.serializers",
    "rest_framework.validators",
    "rest_framework_simplejwt.authentication",
    "rest_framework_simplejwt.backends",
    "rest_framework_simplejwt.exceptions",
    "rest_framework_simplejwt.serializers",
    "rest_framework_simplejwt.tokens",
)
DJANGO = ("contrib/admin", "contrib/auth", "contrib/humanize", "db", "forms", "utils")
PAGES = ("unfold", *(f"django/{each}" for each in DJANGO))
"""Packages whose texts are on the admin's pages: the catalogue may translate them, and need not."""

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    **{f"{name}_lazy": places for name, places in DEFAULT_KEYWORDS.items() if name.endswith("gettext")},
    "gettext_noop": None,
}

_HEADERS = re.compile(
    rb'^"(Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By):.*\n',
    re.M,
)

Marked = dict[tuple[str | None, str], Message]
"""Messages by context and text, the singular one."""


def path(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def read(file: Path) -> Catalog:
    with file.open("rb") as lines:
        return read_po(lines, abort_invalid=True)


def write(file: Path, catalog: Catalog) -> None:
    """Writes a .po, without what Babel says of itself and of the time, and the .mo beside it."""
    lines = io.BytesIO()
    write_po(lines, catalog, width=120, sort_by_file=True, include_lineno=False)
    file.write_bytes(_HEADERS.sub(b"", lines.getvalue()))
    file.with_suffix(".mo").write_bytes(compiled(read(file)))


def compiled(catalog: Catalog) -> bytes:
    """The .mo of a catalogue."""
    # Else it would be another one every minute.
    catalog.creation_date = catalog.revision_date = datetime(1970, 1, 1, tzinfo=UTC)
    into = io.BytesIO()
    write_mo(into, catalog)
    return into.getvalue()


def key(message: Message) -> tuple[str | None, str]:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def texts(message: Message) -> tuple[str, ...]:
    """What a message is translated to: by itself, or in the forms of its plural."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def sources() -> Iterator[Path]:
    """The files of ours in which texts for people can stand."""
    for app in APPS:
        yield from _files(ROOT / app)


@cache
def ours() -> Marked:
    """What our code and templates mark."""
    return _marked(sources(), ROOT)


@cache
def frameworks() -> Marked:
    """What the frameworks can say in an answer of the API."""
    return _marked((Path(importlib.util.find_spec(name).origin) for name in FRAMEWORKS), PACKAGES)


@cache
def optional() -> Marked:
    """What the frameworks say on the admin's pages."""
    return _marked((file for package in PAGES for file in _files(PACKAGES / package)), PACKAGES)


def _files(top: Path) -> Iterator[Path]:
    for file in sorted(top.rglob("*")):
        if file.suffix in (".py", ".html", ".txt") and not set(ENGLISH) & set(file.relative_to(top).parts[:-1]):
            yield file


def _marked(files: Iterable[Path], top: Path) -> Marked:
    catalog = Catalog()
    for file in files:
        text = file.read_text(encoding="utf-8")
        if file.suffix != ".py":
            # Django makes of a template what looks like Python, but for its indents.
            text = "\n".join(line.strip() for line in templatize(text).splitlines())
        for _, said, notes, context in extract("python", io.BytesIO(text.encode()), KEYWORDS, ["Translators:"]):
            catalog.add(said, locations=[(file.relative_to(top).as_posix(), 1)], auto_comments=notes, context=context)
    return {key(message): message for message in catalog if message.id}


def update(catalog: Catalog) -> None:
    """Adds what is new, untranslated, and removes what nothing says any more."""
    wanted = {**frameworks(), **ours()}
    for message in [each for each in catalog if each.id]:
        if key(message) not in wanted and key(message) not in optional():
            catalog.delete(message.id, message.context)
    catalog.obsolete.clear()
    for place, message in {**optional(), **wanted}.items():
        held = catalog.get(message.id, message.context)
        if held is None and place in wanted:
            held = catalog.add(message.id, context=message.context)
        if held is not None:
            held.locations, held.auto_comments = message.locations, message.auto_comments


def main(*translated: str) -> int:
    """Brings the catalogues up to date, with the translations of other .po files where any are named.

    Returns 1 where something is not translated.
    """
    lacking = 0
    for file in sorted(ROOT.glob("locale/*/LC_MESSAGES/django.po")):
        catalog = read(file)
        for other in map(read, map(Path, translated)):
            for message in other:
                if message.id and message.string:
                    catalog.delete(message.id, message.context)
                    catalog.add(message.id, message.string, context=message.context)
        update(catalog)
        write(file, catalog)
        missing = [message for message in read(file) if message.id and not all(texts(message))]
        for message in missing:
            print(f"{file.relative_to(ROOT)}: not translated: {key(message)[1]}")
        lacking += len(missing)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
