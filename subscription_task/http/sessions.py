"""Django's sessions, which are saved once the answer stands, and so must not change it."""

from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase

from subscription_task.http.harmless import harmless


class Sessions(SessionMiddleware):
    """Where a session cannot be saved, an operator may have to log in again; what was done stays answered as done."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        with harmless("saving the session"):
            return super().process_response(request, response)
        return response
