"""Parsers that turn what a hostile client can send into a 4xx."""

import codecs
import json
from typing import Any, NoReturn

from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, MultiPartParser, get_encoding

from subscription_task.http import unreadable

DEEPEST = 32
"""The levels of a JSON body. Far beyond, whatever prints, hashes or walks it could run out of stack."""
MOST_DIGITS = 1000
"""The digits of a number. Python refuses to read more than a few thousand."""


class BoundedJSONParser(JSONParser):
    """JSON whose nesting is bounded, and whose numbers are: a longer one stays text, for its field to refuse."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict | None = None) -> Any:
        decoded = codecs.getreader(get_encoding(parser_context or {}))(stream)
        try:
            body = json.load(decoded, parse_constant=_refuse_constant, parse_int=_whole_number)
        except RecursionError:
            raise _too_deep() from None
        except ValueError as error:
            raise ParseError(unreadable.by_json(error)) from error
        _refuse_depth(body)
        return body


class FormWithFilesParser(MultiPartParser):
    """DRF's for multipart forms, which says what is wrong with one in the language of who sent it."""

    def parse(self, *args: Any, **options: Any) -> Any:
        try:
            return super().parse(*args, **options)
        except ParseError as error:
            if isinstance(error.__context__, MultiPartParserError):
                raise ParseError(unreadable.by_multipart(error.__context__)) from error
            raise


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities, which are no JSON."""
    said = {"name": repr(name)}
    raise ParseError(_("JSON parse error - Out of range float values are not JSON compliant: %(name)s") % said)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _refuse_depth(body: Any) -> None:
    level = [body]
    for _level in range(DEEPEST):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ParseError:
    return ParseError(_("JSON parse error - nested too deeply"))
