"""The request id, which the answer and all lines of the log share, and the line that says what was answered."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse
from django.utils.functional import LazyObject
from rest_framework.throttling import BaseThrottle
from structlog.contextvars import bind_contextvars, clear_contextvars

from subscription_task.http.harmless import harmless

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
PROBES = ("/healthz", "/readyz", "/metrics")
"""What is asked every few seconds: a line only where the answer is an error."""

_GOOD = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SOURCE = BaseThrottle()


class RequestLog:
    """The first of all middleware, so that no answer is without an id and none without a line.

    The id is the one that the request brings in `X-Request-ID`, if it is 1 to 64 letters, digits, dots, hyphens and
    underscores; else a new one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.request_id = given if _GOOD.fullmatch(given) else uuid.uuid4().hex
        bind_contextvars(request_id=request.request_id)
        response = self.get_response(request)
        response[HEADER] = request.request_id
        with harmless("the line of a request"):
            self._say(request, response, began)
        return response

    def _say(self, request: HttpRequest, response: HttpResponse, began: float) -> None:
        if response.status_code >= 400 or request.path.rstrip("/") not in PROBES:
            said = {
                "method": request.method,
                "path": request.path,  # without the query, which may hold anything
                "status": response.status_code,
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "address": address(request),
            }
            if (customer := _customer(request)) is not None:
                said["customer"] = customer
            logger.info("answered", extra=said)


def _forget(**_: object) -> None:
    """Ends what RequestLog began: not before Django's own last lines, and the body of an answer that is streamed."""
    clear_contextvars()


request_finished.connect(_forget)


def address(request: HttpRequest) -> str:
    """Where a request comes from, as far as TRUSTED_PROXIES let that be known; empty for a Unix socket."""
    return (_SOURCE.get_ident(request) or "")[:64]


def _customer(request: HttpRequest) -> int | None:
    """The id of who is logged in, if anything has asked; this does not."""
    user = request.__dict__.get("user")
    if isinstance(user, LazyObject):
        user = request.__dict__.get("_cached_user")
    return getattr(user, "pk", None)
