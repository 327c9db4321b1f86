"""README.fa.md is all of README.md in Persian: the same part by part, correctly written, laid out right to left."""

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests import servers

pytestmark = pytest.mark.once

ENGLISH, PERSIAN = "README.md", "README.fa.md"
LTR, END = '<span dir="ltr">', "</span>"
ISOLATED, CODE = "\ufffc", "\ue000"
"""What stands in the text for what is inside LTR … END, and for other code: no letters of any language."""
NAMES = """
    API APScheduler bash Celery Chromium CSV curl Debian Django English framework Grafana gunicorn HSTS https JSON make
    newman nginx Node.js null OpenAPI PostgreSQL Postman Prometheus python3 RabbitMQ Redis REST schemathesis SIGTERM SQL
    SQLite stderr systemd TLS UTC Windows
    billing hint loopback operator Prepaid seed traceback viewer
"""
"""The words in Latin letters that the Persian has outside code: names, and terms beside their translation."""
FAULTS = {
    "a letter or digit that is Arabic, not Persian": r"[يكىةۀ\u0660-\u0669]",
    "a Latin digit": r"(?<![A-Za-z0-9])[0-9]",
    "Latin punctuation": r"[,;?\"“”]|\.\.\.",
    "a space before punctuation": r"\s[،؛؟:.!»)]",
    "no space after punctuation": r"[،؛؟!](?![\s\d»)]|$)",
    "a space for a half-space after the prefix mi": r"\bن?می\s",
    "a space for a half-space before an ending": r"\s(?:ها|های|هایی|هایش|هایشان|تر|تری|ترین|اند)\b",
    "a half-space that parts nothing": r"\u200c(?!\w)|(?<![\w\ue000\ufffc])\u200c",
}
BESIDE = {
    "two pieces of code": rf"{CODE}\W*{CODE}",
    "code and a Latin word or a number": rf"{CODE}[^\w{CODE}]*[A-Za-z\d]|[A-Za-z][^\w{CODE}]*{CODE}",
    "two Latin words with punctuation between": r"[A-Za-z](?:\s*[^\w\s\-.\ufffc]+\s*|\s*\.\s+)[A-Za-z]",
}
"""With no Persian letter between, these change places in a line that runs right to left."""

ORDERLY = r"[A-Za-z](.*[A-Za-z0-9])?|\d+"
"""Code that needs no LTR: signs at its ends, and a date at its beginning, would go to the other side."""


class Part(NamedTuple):
    """A heading, a paragraph, an item of a list, a row of a table or a block of code."""

    section: str
    kind: str
    cells: list[Token]
    """Its text; that of each cell, if it is a row; none, if it is a block."""
    block: str

    def found(self, kind: str) -> list[Token]:
        return [child for cell in self.cells for child in cell.children if child.type == kind]


def tokens(document: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(servers.ROOT.joinpath(document).read_text("utf-8"))


def parts(document: str) -> Iterator[Part]:
    section, kind, row = "", "", []
    for token in tokens(document):
        match token.type:
            case "heading_open":
                kind = token.tag
            case "paragraph_open":
                kind = "item" if token.hidden else "paragraph"
            case "tr_open":
                kind, row = "row", []
            case "inline" if kind == "row":
                row.append(token)
            case "inline":
                section = token.content if kind.startswith("h") else section
                yield Part(section, kind, [token], "")
            case "tr_close":
                yield Part(section, kind, row, "")
            case "fence":
                yield Part(section, "block", [], f"{token.markup}{token.info}\n{token.content}{token.markup}")


def headings(part: Part) -> list[str]:
    return [part.kind] if part.kind.startswith("h") else []


def blocks(part: Part) -> list[str]:
    return [part.block] if part.block else []


def rows(part: Part) -> list[str]:
    if part.kind != "row":
        return []
    names = [child.content for child in part.cells[0].children if child.type == "code_inline"]
    return [f"a row of {len(part.cells)} cells, the first with {names}"]


def links(part: Part) -> list[str]:
    """The targets of links, but for the one to the other language, and the pictures, in any order in their part."""
    targets = {str(link.attrs["href"]) for link in part.found("link_open")} - {ENGLISH, PERSIAN}
    return sorted(targets) + sorted(f"the picture {image.attrs['src']}" for image in part.found("image"))


def code_and_numbers(part: Part) -> list[str]:
    """In any order in their part. A number is compared where it is in digits."""
    code = sorted(child.content for child in part.found("code_inline"))
    numbers = sorted(
        int(digits) for child in part.found("text") for digits in re.findall(r"(?<![A-Za-z])\d+", child.content)
    )
    return [] if part.block else [f"{part.kind} with {code} and {numbers}"]


def complain(of: list[str], remedy: str) -> None:
    if of:
        pytest.fail(f"{PERSIAN}: {remedy}\n" + "\n".join(of), pytrace=False)


@pytest.mark.parametrize("what", [headings, blocks, rows, links, code_and_numbers])
def test_the_persian_readme_has_all_that_the_english_one_has(what):
    english, persian = [
        [(part.section, one) for part in parts(name) for one in what(part)] for name in (ENGLISH, PERSIAN)
    ]
    assert len(english) > 4
    wanted, had = [one for _, one in english], [one for _, one in persian]
    told = []
    for change, i, j, k, m in difflib.SequenceMatcher(None, wanted, had, autojunk=False).get_opcodes():
        if change != "equal":
            told.append(f"under «{[*english[i:], english[-1]][0][0]}»:")
            told += [f"- {one}" for one in wanted[i:j]] + [f"+ {one}" for one in had[k:m]]
    complain(
        told,
        f"it is not {ENGLISH} in Persian. Translate into it what stands at a '-', and take out what stands at a '+' "
        "(blocks of code stay as they are, to the byte)",
    )


@pytest.mark.parametrize(
    ("document", "other"),
    [(ENGLISH, f"[فارسی]({PERSIAN})"), (PERSIAN, f"[English]({ENGLISH})")],
    ids=[ENGLISH, PERSIAN],
)
def test_each_readme_leads_to_the_other_under_its_title(document, other):
    title, below = [part.cells[0].content for part in parts(document) if part.cells][:2]
    assert below == other, f"{document} wants this under its title: {other}"


def test_every_place_it_links_to_in_itself_is_there():
    targets = {target for part in parts(PERSIAN) for target in links(part) if target.startswith("#")}
    headed = "".join(child.content for part in parts(PERSIAN) for child in part.found("html_inline"))
    lost = sorted(target for target in targets if f'<a id="{target[1:]}">' not in headed)
    complain(lost, 'put <a id="…"></a> at the beginning of the heading, for these links')


def prose() -> Iterator[tuple[int, str]]:
    """The line of README.fa.md and the text, of all that is not code; the descriptions of pictures too."""
    for token in tokens(PERSIAN):
        if token.type == "inline":
            yield token.map[0] + 1, flat(token)
            yield from ((token.map[0] + 1, image.content) for image in token.children if image.type == "image")


def flat(inline: Token) -> str:
    """The text, with ISOLATED and CODE for what is in LTR and for code, as which a link named by its target counts."""
    text, target, isolated = "", "", False
    for child in inline.children:
        if child.type == "html_inline" and child.content in (LTR, END):
            isolated = child.content == LTR
            text += ISOLATED * isolated
        elif isolated or child.type == "html_inline":
            continue
        elif child.type in ("link_open", "link_close"):
            target = str(child.attrs.get("href", ""))
        elif child.type == "code_inline" or (child.type == "text" and child.content == target):
            text += CODE
        else:
            text += {"text": child.content, "softbreak": " "}.get(child.type, "")
    return text


@pytest.mark.parametrize("fault", FAULTS)
def test_the_persian_is_written_as_persian_is(fault):
    wrong = [
        f"line {line} has {text[max(0, found.start() - 20) : found.end() + 20]!r}"
        for line, text in prose()
        for found in re.finditer(FAULTS[fault], text)
    ]
    complain(wrong, f"mend {fault}, in these paragraphs or rows; code belongs between backticks")


def test_no_word_is_left_in_english_but_names():
    found = {(line, word) for line, text in prose() for word in re.findall(r"[A-Za-z](?:[\w.'-]*\w)?", text, re.ASCII)}
    left = [f"line {line} has {word!r}" for line, word in sorted(found) if word not in NAMES.split()]
    complain(left, "translate these; code belongs between backticks, and a new name into NAMES, in this test")


def test_what_runs_left_to_right_keeps_its_order():
    wrong = [
        f"line {line} has, beside each other, {what}: {text[max(0, found.start() - 30) : found.end() + 30]!r}"
        for line, text in prose()
        for what, pattern in BESIDE.items()
        for found in re.finditer(pattern, text)
    ]
    for token in tokens(PERSIAN):
        isolated = False
        for child in token.children or ():
            if child.type == "html_inline":
                isolated = child.content == LTR
            elif child.type == "code_inline" and not isolated and not re.fullmatch(ORDERLY, child.content):
                wrong.append(f"line {token.map[0] + 1} has `{child.content}`, which would be torn")
    complain(wrong, f"put these between {LTR} and {END}, or a Persian word between them")


def test_text_runs_from_the_right_and_code_from_the_left():
    """GitHub sets dir="auto" on paragraphs and lists: their first letter must be Persian as well."""
    inside, wrong = [], []
    for token in tokens(PERSIAN):
        if token.type == "html_block":
            for tag in token.content.split("\n"):
                inside += re.findall(r'^<div dir="(rtl|ltr)"', tag)
                del inside[len(inside) - (tag == "</div>") :]
        elif token.type in ("fence", "inline", "table_open"):
            wanted = ["rtl", "ltr"] if token.type == "fence" else ["rtl"]
            if inside != wanted:
                wrong.append(f"line {token.map[0] + 1}: {token.type} in {inside}, not in {wanted}")
    if inside:
        wrong.append(f"at its end, {inside} is not closed")
    for part in parts(PERSIAN):
        if part.kind in ("h1", "h2", "paragraph", "item") and not part.found("image"):
            text = re.sub(rf"{CODE}|{ISOLATED}", "code", flat(part.cells[0]))
            if text != "English" and not re.match(r"[^A-Za-zآ-ی]*[آ-ی]", text):
                wrong.append(f"line {part.cells[0].map[0] + 1} does not begin with a Persian word: {text[:40]!r}")
    complain(
        wrong, "put every block of code into a <div> with dir=ltr, all else into the one with dir=rtl, as it is done"
    )
