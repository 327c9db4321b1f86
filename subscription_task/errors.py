"""Turns every error into the API's form: `{"detail": …}` or `{field: [messages]}`, whatever DEBUG is."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views import csrf, defaults
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from customer import errors as customer
from invoice import diagnosis, statements, statistics
from subscription import errors as subscription
from subscription_task.http.refusal import refuse

logger = logging.getLogger(__name__)

TABLE: dict[type[Exception], tuple[int, str]] = {
    # error: (status, the field it is about)
    customer.UsernameTaken: (400, "username"),
    customer.WrongPassword: (400, "old_password"),
    customer.DepositLimit: (400, "credit"),
    customer.AccountSetAside: (503, "detail"),
    customer.AccountBusy: (409, "detail"),
    customer.UnusableKey: (400, "Idempotency-Key"),
    customer.KeyOfAnotherRequest: (422, "detail"),
    statements.BadCursor: (404, "detail"),
    statistics.TooManySpans: (400, "group_by"),
    subscription.NoSuchSubscription: (404, "detail"),
    subscription.TooManySubscriptions: (400, "non_field_errors"),
    RequestDataTooBig: (413, "detail"),
    SuspiciousOperation: (400, "detail"),  # too many fields or files, a multipart body that makes no progress
}
NO_DATA = "No data provided"
"""What DRF says of a body that is `null`, in English alone."""
WORDS = {RequestDataTooBig: _("The request body is over 1 MiB."), SuspiciousOperation: _("Bad request.")}


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: its own errors its own way, ours by the table, and anything else a 500.

    But for a customer whose own rows cannot be read: that is damage, which an operator repairs, and so a 503.
    """
    response = exception_handler(error, context)
    if response is not None:
        if isinstance(error, AuthenticationFailed) and isinstance(response.data, dict):
            # Of what SimpleJWT adds, the code, by which programs refresh their tokens.
            response.data = {name: response.data[name] for name in ("detail", "code") if name in response.data}
        if response.data == {"non_field_errors": [NO_DATA]}:
            response.data = {"non_field_errors": [_("No data provided")]}
        return response
    set_rollback()
    for kind in type(error).__mro__:
        if kind in TABLE:
            status, field = TABLE[kind]
            text = str(WORDS.get(kind, error))
            return Response({field: text if field == "detail" else [text]}, status=status)
    request = context["request"]
    logger.exception("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=type(context["view"]), request=request._request)
    if isinstance(error, diagnosis.UNREADABLE) and _rows_are_damaged(request):
        return Response({"detail": str(customer.AccountSetAside())}, status=503)
    return Response({"detail": _("A server error occurred.")}, status=500)


def _rows_are_damaged(request: Request) -> bool:
    """Whether check_billing would say so of the rows of who asks."""
    try:
        return request.user.pk is not None and not diagnosis.is_readable(request.user.pk)
    except (DatabaseError, *diagnosis.UNREADABLE):
        return False


def _page(status: int, detail: str, default: Any) -> Any:
    """A handler for errors outside the API's views: HTML in the admin, JSON elsewhere."""

    def handler(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if request.path_info.startswith("/admin/"):
            return default(request) if exception is None else default(request, exception)
        return refuse(status, detail)

    return handler


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's page in the admin, JSON elsewhere."""
    return (
        csrf.csrf_failure(request, reason) if request.path_info.startswith("/admin/") else refuse(403, _("Forbidden."))
    )


bad_request = _page(400, _("Bad request."), defaults.bad_request)
forbidden = _page(403, _("Forbidden."), defaults.permission_denied)
not_found = _page(404, _("Not found."), defaults.page_not_found)
server_error = _page(500, _("A server error occurred."), defaults.server_error)
