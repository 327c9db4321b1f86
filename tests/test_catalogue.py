"""Every text that people read is marked for translation, and every mark is translated, well formed and compiled."""

import gettext
import io
import re

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

from customer.errors import AccountBroken, CustomerError
from subscription.errors import SubscriptionError
from tests import catalogue, unmarked

pytestmark = pytest.mark.once

LANGUAGES = sorted(file.parts[-3] for file in catalogue.ROOT.glob("locale/*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[#0 +-]*\d*(?:\.\d+)?[a-z]|%[sdr]|\{[^{}]*\}")

ENGLISH = {
    # what is not translated, and why
    "subscription_task/http/documents.py": "the API's documents",
    "subscription_task/documents.py": "the API's documents",
    "customer/documents.py": "the API's documents",
    "subscription/documents.py": "the API's documents",
    "invoice/documents.py": "the API's documents",
    "subscription_task/templates/redoc.html": "the API's documents",
    "operators/monitoring.py": "for Prometheus",
    "invoice/checks/report.py": "for who runs check_billing",
    "operators/models.py": "on no page",
}


def test_each_language_of_the_settings_has_a_catalogue():
    assert "fa" in LANGUAGES
    assert sorted(code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE) == LANGUAGES


@pytest.fixture(params=LANGUAGES)
def language(request) -> str:
    return request.param


@pytest.fixture
def messages(language) -> catalogue.Marked:
    found = catalogue.read(catalogue.path(language))
    return {catalogue.key(message): message for message in found if message.id}


@pytest.mark.parametrize("whose", ["ours", "frameworks"])
def test_all_that_is_marked_is_translated(messages, whose):
    marked = getattr(catalogue, whose)()
    assert marked
    missing = [text for text in marked if text not in messages or not all(catalogue.texts(messages[text]))]
    assert not missing, "`make messages` adds them to the catalogue"


def test_nothing_is_translated_that_nobody_says(messages):
    said = {**catalogue.ours(), **catalogue.frameworks(), **catalogue.optional()}
    assert [key for key in messages if key not in said] == []


def test_a_translation_is_no_guess_and_nothing_is_kept_of_what_is_gone(language):
    text = catalogue.path(language).read_text("utf-8")
    assert not re.findall(r"^#, .*fuzzy", text, re.M)
    assert not re.findall(r"^#~", text, re.M)


def test_a_translation_has_the_placeholders_of_its_text(messages):
    for message in messages.values():
        singular, *plural = [message.id] if isinstance(message.id, str) else message.id
        *others, last = catalogue.texts(message)
        wanted = _placeholders(plural[0] if plural else singular)
        assert not last or _placeholders(last) == wanted, last
        for text in filter(None, others):  # "one fault" has no number in it
            assert _placeholders(text) in (wanted, _placeholders(singular)), text


def _placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_a_plural_has_all_its_forms(messages, language):
    forms = catalogue.read(catalogue.path(language)).num_plurals
    plurals = [message for message in messages.values() if not isinstance(message.id, str)]
    assert plurals
    for message in plurals:
        assert len(message.string) == forms, message.id


def test_what_is_compiled_is_the_catalogue(language):
    """An installation has no gettext tools, so the compiled catalogue is in the repository."""
    file = catalogue.path(language)
    anew, kept = io.BytesIO(catalogue.compiled(catalogue.read(file))), io.BytesIO(file.with_suffix(".mo").read_bytes())
    assert _translations(kept) == _translations(anew), "run `make messages`"


def _translations(compiled: io.BytesIO) -> dict:
    found = dict(gettext.GNUTranslations(compiled)._catalog)
    found.pop("")
    return found


FOREIGN_LETTERS = {"ي": "ی", "ك": "ک", "ۀ": "هٔ", "ى": "ی", "ة": "ه"}
"""Letters of Arabic keyboards, and what stands for them in Persian."""


def test_persian_is_written_in_persian_letters():
    for message in catalogue.read(catalogue.path("fa")):
        for text in filter(None, catalogue.texts(message) if message.id else ()):
            bare = " ".join(line.strip() for line in PLACEHOLDER.sub("0", text).strip().splitlines())
            assert not set(bare) & set(FOREIGN_LETTERS), text
            assert not re.search(r"\b(ن?می) |[^ ] (ها|های|هایی|تر|ترین)\b", bare), f"wants half-spaces: {text}"
            assert not re.search(r'[",;?]', re.sub(r"«[^»]*»|<[^>]*>", "", bare)), f"wants Persian signs: {text}"
            assert not re.search(r" [،؛.:؟]|[«(] | [»)]|  ", bare), f"spaces: {text}"


def _errors() -> set[str]:
    """The classes of our errors whose text is for people."""
    found, kinds = set(), [CustomerError, SubscriptionError]
    while kinds:
        kind = kinds.pop()
        found.add(kind.__name__)
        kinds += kind.__subclasses__()
    return found - {AccountBroken.__name__}


def _sources():
    for file in catalogue.sources():
        name = file.relative_to(catalogue.ROOT).as_posix()
        if not any(name == each or name.startswith(f"{each}/") for each in ENGLISH):
            yield pytest.param(file, id=name)


@pytest.mark.parametrize("file", list(_sources()))
def test_every_text_for_people_is_marked(file):
    text = file.read_text("utf-8")
    if file.suffix == ".py":
        labels = file.name.startswith("admin") or file.name in ("models.py", "apps.py")
        assert unmarked.in_python(text, errors=_errors(), labels=labels) == []
    else:
        assert unmarked.in_template(text) == []


FORGOTTEN = {
    "raised": 'raise serializers.ValidationError("No such day.")',
    "raised by field": 'raise ValidationError({"days": ["No such day."]})',
    "refused": 'refuse(404, "No such day.")',
    "formatted": 'raise NotFound(f"No day {day}.")',
    "put together": 'raise NotFound("No such day: %s" % day)',
    "of a field": 'class Days:\n    default_error_messages = {"days": "No such day."}',
    "of a permission": 'class Days:\n    message = "No such day."',
    "answered": 'Response({"detail": "No such day."})',
    "ours": 'raise StillHasBooks("No such day.")',
    "in ours": 'class StillHasBooks(Exception):\n    def __init__(self):\n        super().__init__("No such day.")',
    "of a model": 'days = models.IntegerField(help_text="No such day.")',
    "of a column": '@admin.display(description="No such day.")\ndef day(self): ...',
}


@pytest.mark.parametrize("where", FORGOTTEN)
def test_a_text_that_is_not_marked_is_found(where):
    code = FORGOTTEN[where]
    found = unmarked.in_python(code, errors={"StillHasBooks"}, labels=True)
    assert len(found) == 1
    marked = re.sub(r'f?"(No [^"]*)"', r'_("\1")', code)
    assert unmarked.in_python(marked, errors={"StillHasBooks"}, labels=True) == []


@pytest.mark.parametrize(
    "page", ["<p>No such day</p>", '<a title="No such day">{{ day }}</a>', "<p>{% if day %}No such day{% endif %}</p>"]
)
def test_a_text_on_a_page_that_is_not_marked_is_found(page):
    assert unmarked.in_template(page) == ["No such day"] or unmarked.in_template(page) == ["0No such day0"]
    assert unmarked.in_template(page.replace("No such day", '{% translate "No such day" %}')) == []


def test_a_catalogue_that_is_not_whole_is_brought_up_to_date():
    text = b'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
    text += 'msgid "Not found."\nmsgstr "پیدا نشد."\n\nmsgid "Nobody says so."\nmsgstr "گفته نمی‌شود."\n'.encode()
    catalog = read_po(io.BytesIO(text))
    catalogue.update(catalog)
    assert catalog["Not found."].string == "پیدا نشد."
    assert "Nobody says so." not in catalog
    assert catalog["Bad request."].string is None
