"""What every request passes before its view: which path is meant, and how large a body may be."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path

GetResponse = Callable[[HttpRequest], HttpResponse]


class AnyOfOurPaths:
    """Serves each path with and without its trailing slash, and `/Invoice/…` as `/invoice/…`, without a redirect.

    A path that is none of ours gets 404 in JSON, whatever DEBUG is.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith("/Invoice/"):
            path = "/invoice/" + path.removeprefix("/Invoice/")
        other = path[:-1] if path.endswith("/") else path + "/"
        for spelling in (path, other):
            if is_valid_path(spelling):
                request.path_info = spelling
                return self.get_response(request)
        return JsonResponse({"detail": "Not found."}, status=404)


class BodyLimit:
    """Refuses a body over MAX_BODY_BYTES with 413 before anything reads it.

    A body whose length is not announced is measured by the parser that reads it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if announced.isdecimal() and int(announced[:20]) > settings.MAX_BODY_BYTES:
            return JsonResponse({"detail": "The request body is over 1 MiB."}, status=413)
        return self.get_response(request)
