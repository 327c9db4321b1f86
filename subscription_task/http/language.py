"""In which language people are answered: the one of LANGUAGES that `Accept-Language` asks for, else English."""

from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.functional import lazy
from rest_framework.serializers import Serializer
from rest_framework.utils.formatting import lazy_format


class Language(LocaleMiddleware):
    """Django's, but for static files: they are the same in every language, and a cache keeps one copy of each."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith("/admin/"):
            request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)  # what was chosen there is for the admin alone
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if request.path_info.startswith(settings.STATIC_URL):
            return response
        return super().process_response(request, response)


def kept_for_all(serializer: Serializer) -> Serializer:
    """The serializer, which can now be kept: its validators speak the language of each request.

    DRF puts the numbers into their texts once, in the language of whoever is the first to be refused.
    """
    for field in serializer.fields.values():
        for validator in field.validators:
            if isinstance(text := getattr(validator, "message", None), lazy_format):
                validator.message = _filled(text.format_string, text.args, text.kwargs)
    return serializer


def _fill(text: Any, args: tuple, named: dict[str, Any]) -> str:
    return str(text).format(*args, **named)


_filled = lazy(_fill, str)


def _forget(**_: object) -> None:
    """Ends what Language began, once the body is sent: the thread's next request may fail before it comes so far."""
    translation.deactivate()


request_finished.connect(_forget)
