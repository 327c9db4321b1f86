"""What the API's documents say about errors, and the page that shows them with Redoc."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

_TEXT = {"type": "string"}
_DETAIL = {"type": "object", "required": ["detail"], "properties": {"detail": _TEXT}}
_BY_FIELD = {
    "type": "object",
    "properties": {"detail": _TEXT},
    "additionalProperties": {"type": "array", "items": _TEXT},
}
_ERRORS = {
    400: (_BY_FIELD, "What is wrong, by field; or in `detail`, where the request cannot be read at all."),
    401: (_DETAIL, "Not logged in, or no longer: see `WWW-Authenticate`."),
    403: (_DETAIL, "Not allowed here."),
    404: (_DETAIL, "There is none."),
    409: (_DETAIL, "Another request for the account, perhaps with the same idempotency key, is still under way."),
    422: (_DETAIL, "The idempotency key was used for another request."),
    429: (_DETAIL, "Too often: `Retry-After` says when to try again."),
    503: (_DETAIL, "The account is being repaired. It can be read meanwhile."),
}

IDEMPOTENCY_KEY = [
    OpenApiParameter(
        "Idempotency-Key",
        str,
        OpenApiParameter.HEADER,
        description="1 to 255 printable ASCII characters of your choice. Sent again with the same request, it has no"
        " second effect: the first answer comes again, with the header `Idempotency-Replayed: true`.",
    )
]

# The template that drf-spectacular has asks another host for fonts.
_REDOC = """<!DOCTYPE html>
<html lang="en">
  <head>
    <title>Prepaid subscription billing</title>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>body {{ margin: 0; }}</style>
  </head>
  <body>
    <redoc spec-url="{schema}"></redoc>
    <script src="{script}"></script>
  </body>
</html>
"""


def errors(*statuses: int) -> dict[int, Any]:
    """The entries of `extend_schema(responses=…)` for what an operation may refuse with."""
    return {status: OpenApiResponse(*_ERRORS[status]) for status in statuses}


def redoc(request: HttpRequest) -> HttpResponse:
    """The API's documents by Redoc, from this host alone."""
    script = static("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    return HttpResponse(format_html(_REDOC, schema=reverse("schema"), script=script))
