"""The applications that servers load: Django's, but for a header that it cannot read."""

from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class _AnyContentType:
    """A request whose Content-Type cannot be parsed has none, and is answered 415.

    Django 5.2 raises ValueError while it makes the request, before anything of ours could answer.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)
        except ValueError:
            meta["CONTENT_TYPE"] = "unreadable"
            super()._set_content_type_params(meta)


class _WSGIRequest(_AnyContentType, WSGIRequest):
    pass


class _ASGIRequest(_AnyContentType, ASGIRequest):
    pass


class _WSGIHandler(WSGIHandler):
    request_class = _WSGIRequest


class _ASGIHandler(ASGIHandler):
    request_class = _ASGIRequest


def wsgi() -> WSGIHandler:
    """The WSGI application. Raises ImproperlyConfigured where the settings are those of a development server."""
    _refuse_development()
    return development()


def asgi() -> ASGIHandler:
    """The ASGI application. Raises ImproperlyConfigured where the settings are those of a development server."""
    _refuse_development()
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
