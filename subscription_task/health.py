"""Whether the process answers, and whether it can do its work."""

import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from invoice.schedulers import Scheduler

STALE = 10
"""The seconds without a good pass after which a process that should bill is not ready."""


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and, where this process bills, its passes succeed; else 503."""
    wrong = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        wrong.append("the database does not answer")
    if settings.SCHEDULER == "auto":
        last = Scheduler.passes.last_good
        if not Scheduler.running():
            wrong.append("no scheduler runs in this process")
        elif last is None or time.monotonic() - last > STALE:
            wrong.append("no pass has succeeded lately")
    return JsonResponse({"status": "not ready" if wrong else "ok", "wrong": wrong}, status=503 if wrong else 200)
