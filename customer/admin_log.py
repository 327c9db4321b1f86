"""The operators' log: who did what in the admin, when, why and from where. It is in English, whoever writes it."""

import json
import re
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_noop
from rest_framework.throttling import BaseThrottle

from subscription_task.formats.sentences import in_english, sentence, shown

_ORIGIN = re.compile(r" \[from ([^\[\]]*)\]\Z")
_UNEXPECTED = re.compile(r"[^0-9A-Za-z.:%_-]")
LONGEST = 64
"""The characters kept of an address, and of a request's id."""

DELETED = sentence(gettext_noop("Deleted."))
REASON = sentence(gettext_noop("Reason: %(quoted)s"))
for _djangos in (
    gettext_noop("Added."),
    gettext_noop("Changed password."),
    gettext_noop("Changed %(fields)s."),
    gettext_noop("No fields changed."),
    gettext_noop("account %(id)s"),
):
    sentence(_djangos)


def log(request: HttpRequest, subjects: list[Model], flag: int, done: str, reason: str = "") -> None:
    """Writes into the admin's log who did what to `subjects`, why, and from where."""
    with in_english():
        LogEntry.objects.log_actions(request.user.pk, subjects, flag, with_origin(request, done, reason))


def with_origin(request: HttpRequest, done: str, reason: str = "") -> str:
    """What the log keeps: what was done, why, and the client's address, as the throttles see it."""
    message = f"{done} {REASON % {'quoted': reason}}" if reason else done
    origin = _clean(BaseThrottle().get_ident(request) or "-")
    if request_id := getattr(request, "request_id", None):
        origin = f"{origin}, request {_clean(request_id)}"
    return f"{message} [from {origin}]"


def in_words(message: Any) -> str:
    """Django's own message about a form, a list of what was changed, as text; text as it is."""
    with in_english():
        return (
            message if isinstance(message, str) else LogEntry(change_message=json.dumps(message)).get_change_message()
        )


def parts(entry: LogEntry) -> tuple[str, str]:
    """What was done and why, and from where; the latter is empty in an entry that does not say."""
    message = entry.get_change_message()
    found = _ORIGIN.search(message)
    return (message[: found.start()], found[1]) if found else (message, "")


def what(entry: LogEntry) -> str:
    """What was done and why, in the language of the page."""
    return shown(parts(entry)[0]) or "-"


def whence(entry: LogEntry) -> str:
    """From where it was done, in the language of the page."""
    address, separator, request_id = parts(entry)[1].partition(", request ")
    if separator:
        return gettext("%(address)s, request %(id)s") % {"address": address, "id": request_id}
    return address or "-"


def _clean(text: object) -> str:
    return _UNEXPECTED.sub("?", str(text))[:LONGEST]
