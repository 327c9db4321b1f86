"""The applications that servers load: Django's, but for headers it cannot read and bodies that nobody gets."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.request import MediaType

from subscription_task import output


class _AnyHeaders:
    """A request whose Content-Type cannot be parsed has none, and is answered 415; one whose Accept cannot, accepts
    nothing.

    Django 5.2 raises ValueError, for the first while it makes the request, before anything of ours could answer.
    """

    @cached_property
    def accepted_types(self) -> list[MediaType]:
        try:
            return super().accepted_types
        except ValueError:
            return []

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)
        except ValueError:
            meta["CONTENT_TYPE"] = "unreadable"
            super()._set_content_type_params(meta)


class _WSGIRequest(_AnyHeaders, WSGIRequest):
    pass


class _ASGIRequest(_AnyHeaders, ASGIRequest):
    pass


class _WSGIHandler(WSGIHandler):
    """It sends no body with the answer to HEAD, so none is made, however long it would be."""

    request_class = _WSGIRequest

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        answer = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        answer.close()
        return []


class _ASGIHandler(ASGIHandler):
    request_class = _ASGIRequest


def wsgi() -> WSGIHandler:
    """The WSGI application. Raises ImproperlyConfigured where the settings are those of a development server."""
    _refuse_development()
    output.never_fails()
    return development()


def asgi() -> ASGIHandler:
    """The ASGI application. Raises ImproperlyConfigured where the settings are those of a development server."""
    _refuse_development()
    output.never_fails()
    django.setup(set_prefix=False)
    return _ASGIHandler()


def development() -> WSGIHandler:
    """The WSGI application, whatever the settings."""
    django.setup(set_prefix=False)
    return _WSGIHandler()


def _refuse_development() -> None:
    if settings.DEBUG:
        raise ImproperlyConfigured(
            "This is a development configuration. Set DJANGO_DEBUG=off, DJANGO_SECRET_KEY, DJANGO_ALLOWED_HOSTS"
            " and SELF_SERVICE_TOP_UP, or use `python manage.py runserver`."
        )
