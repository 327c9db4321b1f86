"""Finds texts for people that are not marked for translation: in Python by where they stand, in templates as text."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from django.template.base import Lexer, TokenType

MARKS = {f"{kind}{lazy}" for kind in ("gettext", "ngettext", "pgettext", "npgettext") for lazy in ("", "_lazy")}
MARKS |= {"_", "gettext_noop"}
SAID_BY = {"ValidationError", "ParseError", "NotFound", "PermissionDenied", "NotAuthenticated", "AuthenticationFailed"}
SAID_BY |= {"Throttled", "NotAcceptable", "refuse", "message_user"}
"""What is called with a text that somebody reads; our own errors come to these."""
NAMES = {"message", "default_detail", "default_error_messages", "error_messages", "short_description"}
NAMES |= {"verbose_name", "verbose_name_plural", "search_help_text", "empty_value_display"}
"""Attributes and arguments that hold such a text."""
LABELS = {"help_text", "description", "label", "title", "note"}
"""The same, but in the API's documents, which are English."""
KEYS = {"detail", "message"}
"""Keys of an answer under which it stands."""
ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "aria-description"}
"""Of an element of a page."""

_WORDS = re.compile(r"[A-Za-z][a-z]")
"""An abbreviation is none."""


def in_python(source: str, *, errors: set[str] = frozenset(), labels: bool = False) -> list[str]:
    """The texts that are not marked. `errors` are classes whose text is for people; `labels`: whether LABELS are."""
    names = NAMES | (LABELS if labels else set())
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        for expression in _spoken(node, SAID_BY | errors, errors, names):
            found += _bare(expression)
    return found


def _spoken(node: ast.AST, calls: set[str], errors: set[str], names: set[str]) -> Iterator[ast.AST]:
    """The expressions of a node that are for people."""
    match node:
        case ast.Call():
            if _name(node.func) in calls:
                yield from node.args
                yield from (each.value for each in node.keywords if each.arg not in ("code", "params"))
            yield from (each.value for each in node.keywords if each.arg in names)
        case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)]) if name in names:
            yield node.value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.AST()) if name in names:
            yield node.value
        case ast.Dict():
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in KEYS:
                    yield value
        case ast.ClassDef(name=name) if name in errors:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and _name(call.func) == "__init__":
                    yield from call.args


def _name(function: ast.AST) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _bare(expression: ast.AST) -> list[str]:
    """The texts in an expression that no mark is around. A word without spaces is a code or a name."""
    match expression:
        case ast.Call(func=function) if _name(function) in MARKS:
            return []
        case ast.Constant(value=str(text)):
            said = _WORDS.search(text) and (" " in text.strip() or text.endswith(".") or text[0].isupper())
            return [text] if said else []
        case ast.JoinedStr():
            text = "".join(part.value for part in expression.values if isinstance(part, ast.Constant))
            return [text] if _WORDS.search(text) else []
        case ast.Dict():
            return [text for value in expression.values for text in _bare(value)]
        case ast.Call():
            inner: list[Any] = [*expression.args, *(each.value for each in expression.keywords)]
            return [text for value in inner for text in _bare(value)]
    return [text for child in ast.iter_child_nodes(expression) for text in _bare(child)]


def in_template(source: str) -> list[str]:
    """The words of a template that stand outside its tags for translations."""
    shown, silent = [], None
    for token in Lexer(source).tokenize():
        word = (token.contents.split(maxsplit=1) or [""])[0] if token.token_type == TokenType.BLOCK else ""
        if word in ("blocktranslate", "blocktrans", "comment") or token.contents == "block bodyclass":
            silent = f"end{word}"
        elif word and word == silent:
            silent = None
        elif silent is None:
            shown.append({TokenType.TEXT: token.contents, TokenType.VAR: "0"}.get(token.token_type, ""))
    page = _Page()
    page.feed("".join(shown))
    page.close()
    return page.found


class _Page(HTMLParser):
    """Collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent: str | None = None
        """The element that nothing is said in: code, or an icon by its name."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "pre", "code") or "material-symbols-outlined" in (dict(attrs).get("class") or ""):
            self._silent = self._silent or tag
        self.found += [value for name, value in attrs if name in ATTRIBUTES and value and _WORDS.search(value)]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = None

    def handle_data(self, data: str) -> None:
        if self._silent is None and _WORDS.search(data):
            self.found.append(" ".join(data.split()))
