"""Parsers that turn what a hostile client can send into a 4xx."""

import codecs
import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, get_encoding
from rest_framework.utils.json import strict_constant

DEEPEST = 32
"""The levels of a JSON body. Far beyond, whatever prints, hashes or walks it could run out of stack."""
MOST_DIGITS = 1000
"""The digits of a number. Python refuses to read more than a few thousand."""


class BoundedJSONParser(JSONParser):
    """JSON whose nesting is bounded, and whose numbers are: a longer one stays text, for its field to refuse."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict | None = None) -> Any:
        decoded = codecs.getreader(get_encoding(parser_context or {}))(stream)
        try:
            body = json.load(decoded, parse_constant=strict_constant, parse_int=_whole_number)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error
        _refuse_depth(body)
        return body


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _refuse_depth(body: Any) -> None:
    level = [body]
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise ParseError("JSON parse error - nested too deeply")
