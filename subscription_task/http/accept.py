"""Which of several media types a request prefers, by its `Accept`."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.http.request import MediaType
from rest_framework.request import Request

_TEXTS = {"charset": ("utf-8", "utf8"), "header": ("present",)}
"""What our texts are, by parameter: a range that wants another excludes them. JSON knows no parameters."""


def preferred(request: HttpRequest | Request, offered: Sequence[str]) -> str | None:
    """The media type among `offered` that the request prefers; None where it takes none of them.

    By RFC 9110: the most specific range that fits a type gives its weight, and 0 refuses it. Parameters that mean
    nothing for a type are ignored. Of equal weights the more specific range decides, then the order of the ranges, then
    that of `offered`. A range that cannot be read fits nothing; an empty `Accept` is as none.
    """
    ranges = _ranges(request.headers.get("Accept", "").strip() or "*/*")
    best, found = (0.0,), None
    for name in offered:
        kind = MediaType(name)
        fitting = [(each.specificity, each.quality, -place) for place, each in enumerate(ranges) if _fits(each, kind)]
        if not fitting:
            continue
        precision, quality, place = max(fitting)
        standing = (quality, min(precision, 2), place)
        if quality and standing > best:
            best, found = standing, name
    return found


def _ranges(accept: str) -> list[MediaType]:
    found = []
    for said in accept.split(","):
        try:
            found.append(MediaType(said))
        except ValueError:  # a parameter in an encoding that there is not
            continue
    return found


def _fits(wanted: MediaType, kind: MediaType) -> bool:
    if wanted.main_type not in ("*", kind.main_type) or wanted.sub_type not in ("*", kind.sub_type):
        return False
    if kind.main_type != "text":
        return True
    return all(wanted.params.get(name, values[0]).lower() in values for name, values in _TEXTS.items())
