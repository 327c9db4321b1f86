"""Why a body cannot be read: what Python's and Django's parsers say of it, in the language of who sent it."""

import json

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

# What they say is looked up as it comes; here it is named for the catalogue. What they may say beyond, in another
# version of Python, stays English.
_SAID = (
    # of JSON
    gettext_noop("Expecting value"),
    gettext_noop("Expecting property name enclosed in double quotes"),
    gettext_noop("Expecting ':' delimiter"),
    gettext_noop("Expecting ',' delimiter"),
    gettext_noop("Illegal trailing comma before end of object"),
    gettext_noop("Illegal trailing comma before end of array"),
    gettext_noop("Unterminated string starting at"),
    gettext_noop("Invalid control character at"),
    gettext_noop("Invalid \\escape"),
    gettext_noop("Invalid \\uXXXX escape"),
    gettext_noop("Extra data"),
    gettext_noop("Unexpected UTF-8 BOM (decode using utf-8-sig)"),
    # of bytes that are no text
    gettext_noop("invalid start byte"),
    gettext_noop("invalid continuation byte"),
    gettext_noop("unexpected end of data"),
    gettext_noop("ordinal not in range(128)"),
    # of a multipart form
    gettext_noop("Could not decode base64 data."),
    gettext_noop("Request max total header size exceeded."),
    gettext_noop("Invalid boundary in multipart"),
    gettext_noop("Invalid non-ASCII Content-Type in multipart"),
)


def by_json(error: ValueError) -> str:
    """What is wrong with a body that is to be JSON."""
    match error:
        case json.JSONDecodeError():
            return _("JSON parse error - %(problem)s: line %(line)d column %(column)d (char %(at)d)") % {
                "problem": _(error.msg),
                "line": error.lineno,
                "column": error.colno,
                "at": error.pos,
            }
        case UnicodeDecodeError():
            return _("JSON parse error - %(problem)s") % {"problem": _bytes(error)}
        case _other:
            return _("JSON parse error - %(problem)s") % {"problem": _other}


def _bytes(error: UnicodeDecodeError) -> str:
    said = {"encoding": error.encoding, "start": error.start, "end": error.end - 1, "reason": _(error.reason)}
    if error.end - error.start > 1:
        return _("'%(encoding)s' codec can't decode bytes in position %(start)d-%(end)d: %(reason)s") % said
    said["byte"] = error.object[error.start]
    return _("'%(encoding)s' codec can't decode byte 0x%(byte)02x in position %(start)d: %(reason)s") % said


def by_multipart(error: Exception) -> str:
    """What is wrong with a body that is to be a multipart form."""
    problem, colon, value = str(error).removesuffix(": None").partition(":")
    return _("Multipart form parse error - %(problem)s") % {"problem": f"{_(problem)}{colon}{value}"}
