"""What every request passes before its view: which path is meant, and which bodies are read at all."""

import codecs
import io
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import is_valid_path
from django.utils.translation import gettext as _
from django.views.defaults import page_not_found

from subscription_task.http.refusal import refuse

GetResponse = Callable[[HttpRequest], HttpResponse]


class AnyOfOurPaths:
    """Serves each path with and without its trailing slash, and `/Invoice/…` as `/invoice/…`, without a redirect.

    A path or a host that is none of ours is refused in JSON, whatever DEBUG is; to browsers, a path of the admin's by a
    page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            return refuse(400, _("This host is not served here: DJANGO_ALLOWED_HOSTS names those that are."))
        path = request.path_info
        if path.startswith("/Invoice/"):
            path = "/invoice/" + path.removeprefix("/Invoice/")
        other = path[:-1] if path.endswith("/") else path + "/"
        for spelling in (path, other):
            if is_valid_path(spelling):
                request.path_info = spelling
                return self.get_response(request)
        if path.startswith("/admin/") and "text/html" in request.headers.get("Accept", ""):
            return page_not_found(request, Http404())
        return refuse(404, _("Not found."))


class BodyLimit:
    """Refuses a body over MAX_BODY_BYTES with 413, and one in an unusual encoding with 415, before anything reads it.

    Python knows encodings that take minutes to decode a megabyte, or fail in ways of their own.
    """

    ENCODINGS = ("utf-8", "ascii", "iso8859-1")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.encoding and codecs.lookup(request.encoding).name not in self.ENCODINGS:
            return refuse(415, _("The request body must be in UTF-8."))
        if not request.META.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" in request.META:
            try:
                self._measure(request)
            except Exception:  # noqa: BLE001 - gunicorn's own errors derive from nothing narrower
                return refuse(400, _("The chunks of the request body do not follow each other."))
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not (announced.isascii() and announced.isdecimal()):
            return refuse(400, _("The Content-Length is no number."))
        digits = announced.lstrip("0") or "0"
        if len(digits) > 15 or int(digits) > settings.MAX_BODY_BYTES:
            return refuse(413, _("The request body is over 1 MiB."))
        return self.get_response(request)

    def _measure(self, request: HttpRequest) -> None:
        """Reads a body that comes in chunks, up to the limit, and announces it: Django would take it for empty."""
        ends = request.META.get("wsgi.input_terminated")
        stream = request.META["wsgi.input"] if ends else request._stream
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        request._stream = io.BytesIO(body)
        request.META["CONTENT_LENGTH"] = str(len(body))
