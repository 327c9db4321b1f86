"""The first page: what this is and where to go from here, for a person; the same as JSON for a program."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.settings import spectacular_settings
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAcceptable

from subscription_task.http import accept
from subscription_task.http.refusal import refuse

METHODS = ("GET", "HEAD")
# A program that takes anything gets the first.
FORMS = ("application/json", "text/html")
PLACES = {
    "documents": {"openapi": "schema", "swagger_ui": "docs", "redoc": "redoc"},
    "admin": "admin:index",
    "health": {"live": "/healthz", "ready": "/readyz"},
}


@csrf_exempt  # nothing is taken here, and that is said with 405
def home(request: HttpRequest) -> HttpResponse:
    """Answers `/`. Browsers ask for HTML before all else."""
    form = accept.preferred(request, FORMS)
    if request.method not in METHODS:
        answer = _refuse(MethodNotAllowed(request.method))
        answer["Allow"] = ", ".join(METHODS)
    elif form is None:
        answer = _refuse(NotAcceptable())
    elif form == "text/html":
        answer = render(request, "home.html", {"version": spectacular_settings.VERSION, "at": _at(request, "/")})
    else:
        about = {"name": spectacular_settings.TITLE, "version": spectacular_settings.VERSION}
        answer = JsonResponse(about | _at(request, PLACES))
    patch_vary_headers(answer, ["Accept"])
    return answer


def _refuse(error: APIException) -> HttpResponse:
    return refuse(error.status_code, str(error.detail))


def _at(request: HttpRequest, place: Any) -> Any:
    """The address of a place, or of each in a dictionary of them."""
    if isinstance(place, dict):
        return {name: _at(request, each) for name, each in place.items()}
    return request.build_absolute_uri(place if place.startswith("/") else reverse(place))
