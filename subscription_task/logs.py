"""How every line of the log looks, whoever says it: JSON in production, readable in development, never with a secret.

The settings give it to Django, the commands and Celery's workers, gunicorn.conf.py to gunicorn.
"""

import logging
import re
import sys
from contextlib import nullcontext
from typing import Any

import structlog
from django.apps import apps
from django.utils import translation
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict

# A line that cannot be written (a full disk, a closed stderr) is lost; it must not fail what it tells about.
logging.raiseExceptions = False

FIELDS = ("method", "path", "status", "ms", "customer", "address")
"""What a line may say in `extra` beyond its text. Nothing else is shown: Django puts whole requests there."""

HIDDEN = "***"
MOST = 20_000
"""The characters of a text that a line shows; what comes after them is cut off, before anything looks at them."""
_CUT = "\u2026"

# Each takes time in proportion to the text, whatever that is: what repeats is possessive, or is in one repeat alone.
_SECRET_NAME = re.compile(
    r"passw(?:or)?d|secret|token|authorization|cookie|sessionid|api_?key|credentials", re.IGNORECASE | re.ASCII
)
_SHAPES = (
    # A token of ours, whole or cut off at its end.
    (re.compile(r"\beyJ[\w-]{8,}+(?:\.[\w-]*+){0,2}+"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s++[^\s'\",]++", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # A password's hash.
    (re.compile(r"\b(argon2\w*+|pbkdf2_\w++|bcrypt\w*+|scrypt)\$[^\s'\")]++"), rf"\1${HIDDEN}"),
)
_WORD = re.compile(r"[^\s'\"]++")
_NAME = re.compile(r"\b(\w++)\\?['\"]?\s*+[:=]\s*+", re.ASCII)
"""What stands before a value: in JSON, a form, a query, a header, or as Python or libpq writes it."""
_VALUE = re.compile(r"b?\\?\"(?:[^\"\\]|\\[^\"])*+\\?\"?|b?'(?:[^'\\]|\\.)*+'?|[^\s'\"&,;)}]++")
_SIGNS = re.compile(r"[:=$]|eyJ|bearer|basic", re.IGNORECASE)
"""One of which is in each of the shapes. Most texts have none, and a line is written for every request."""
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def redacted(text: str) -> str:
    """The text without what has the shape of a token, a password, its hash or a key, nor what is beyond MOST."""
    if len(text) > MOST:
        text = text[:MOST] + _CUT
    if not _SIGNS.search(text):
        return text
    for shape, instead in _SHAPES[:2]:
        text = shape.sub(instead, text)
    text = _WORD.sub(_without_password, text)
    for shape, instead in _SHAPES[2:]:
        text = shape.sub(instead, text)
    return _without_named(text)


def _without_password(found: re.Match) -> str:
    """A word without the password in it, which may hold any sign, if it is the URL of a database or a broker."""
    word = found[0]
    end = len(word) if word.endswith(_CUT) else word.rfind("@")
    at = word.find("://")
    while 0 <= at < end:
        colon = word.find(":", at + 3)
        if colon < 0 or colon > end:
            break
        if not {"/", "@"} & set(word[at + 3 : colon]):
            return f"{word[:colon]}:{HIDDEN}{word[end:]}"
        at = word.find("://", at + 3)
    return word


def _without_named(text: str) -> str:
    """The text without values whose names say that they are secret."""
    said, done = [], 0
    for name in _NAME.finditer(text):
        if name.start() < done or not (_SECRET_NAME.search(name[1]) or name[1].lower() in ("access", "refresh")):
            continue
        if value := _VALUE.match(text, name.end()):
            said += [text[done : name.end()], HIDDEN]
            done = value.end()
    return "".join([*said, text[done:]])


class _English(ProcessorFormatter):
    """Lines are English, also where the text of an error is in them that somebody else reads in another language."""

    def format(self, record: logging.LogRecord) -> str:
        with translation.override("en") if apps.ready else nullcontext():
            return super().format(record)


def formatter(*, readable: bool) -> ProcessorFormatter:
    """What makes a line of a record of Python's logging: a readable one, or a JSON object."""
    if readable:
        last = [_on_one_line, ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
    else:
        last = [JSONRenderer(ensure_ascii=False)]
    said = [
        structlog.contextvars.merge_contextvars,
        ExtraAdder(allow=FIELDS),
        format_exc_info,
        _redact,
        add_log_level,
        add_logger_name,
        _add_process,
        TimeStamper(fmt="iso", utc=True),
    ]
    return _English(
        foreign_pre_chain=said,
        processors=[ProcessorFormatter.remove_processors_meta, *last],
    )


def configuration(*, readable: bool) -> dict[str, Any]:
    """Django's LOGGING: every line to stderr, in one form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "readable": readable}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},  # its own handler would print each line twice
            # Its line for each request has the query in it; RequestLog's says the rest.
            "django.server": {"handlers": [], "level": "CRITICAL", "propagate": False},
            # The same for what is answered with a 4xx.
            "django.request": {"level": "ERROR"},
            # A pass submits thousands of jobs; each would be a line.
            "apscheduler": {"level": "WARNING"},
            # Each hint would be two.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


def _add_process(logger: Any, method: str, line: EventDict) -> EventDict:
    line["process"] = line["_record"].process
    return line


def _redact(logger: Any, method: str, line: EventDict) -> EventDict:
    for name, value in line.items():
        if _SECRET_NAME.search(name):
            line[name] = HIDDEN
        elif isinstance(value, str):
            line[name] = redacted(value)
    return line


def _on_one_line(logger: Any, method: str, line: EventDict) -> EventDict:
    """Nobody writes lines of their own, or colours a terminal, by what they ask for; JSON escapes by itself."""
    line["event"] = line["event"].translate(_CONTROL)
    return line
