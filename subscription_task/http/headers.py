"""What every answer tells a browser: where its parts may come from, who may frame it, and not to keep it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

API = "default-src 'none'; frame-ancestors 'none'"
"""For what is not a page: nothing in it is shown, run or framed."""
_PAGE = (
    "default-src 'none'; connect-src 'self'; font-src 'self'; img-src 'self' data:;"
    " style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
)
DOCUMENTS = _PAGE + "script-src 'self'; worker-src blob:"
"""Swagger UI and Redoc write styles into the page; Redoc searches in a worker that it makes of its own text,
and would fetch its maker's logo."""
HOME = _PAGE + "script-src 'none'"
"""The first page has a style of its own, and runs nothing."""
ADMIN = _PAGE + "script-src 'self' 'unsafe-eval'"
"""The admin's theme is of Alpine.js, which evaluates the attributes of its elements; scripts come from files alone."""

OTHERS = {
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Answers hold tokens and what a customer has; static files say for themselves how long they are good.
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Sets the headers that Django's SecurityMiddleware knows nothing of, also on answers that never come to it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request.path_info))
        for name, value in OTHERS.items():
            response.headers.setdefault(name, value)
        return response


def policy(path: str) -> str:
    """The Content-Security-Policy of a path."""
    match path.split("/", 3):
        case ["", ""]:
            return HOME
        case ["", "admin", *_]:
            return ADMIN
        case ["", "api", "docs" | "redoc", *_]:
            return DOCUMENTS
        case _:
            return API
