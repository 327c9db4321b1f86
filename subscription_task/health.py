"""Whether the process answers, and whether it can do its work."""

import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from invoice.schedulers import Scheduler
from subscription_task.database import UnfitDatabase

STALE = 10
"""The seconds without a good pass after which a process that should bill is not ready."""

# A standby that was not promoted, or a server that was told so, answers questions and takes no money.
IS_READ_ONLY = {"postgresql": "SHOW transaction_read_only", "sqlite": "PRAGMA query_only"}


class Health:
    """Answers `/healthz` and `/readyz` before anything else: a probe comes by address, not by name, and without TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.migrated = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match request.path_info.rstrip("/"):
            case "/healthz":
                return JsonResponse({"status": "ok"})
            case "/readyz":
                wrong = list(filter(None, [self._database(), self._passes()]))
                status = "not ready" if wrong else "ok"
                return JsonResponse({"status": status, "wrong": wrong}, status=503 if wrong else 200)
            case _:
                return self.get_response(request)

    def _database(self) -> str | None:
        """What is wrong with the database: it must answer and, once seen, be migrated."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(IS_READ_ONLY[connection.vendor])
                if cursor.fetchone()[0] in ("on", 1):
                    return "the database takes no changes"
            if not self.migrated:
                executor = MigrationExecutor(connection)
                self.migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except UnfitDatabase:
            return "the settings of the database will not do: the log says which"
        except DatabaseError:
            return "the database does not answer"
        return None if self.migrated else "the database is not migrated: run manage.py migrate"

    def _passes(self) -> str | None:
        """What is wrong with the scheduler, where this process should bill."""
        if settings.SCHEDULER == "off":
            return None
        if not Scheduler.running():
            return "no scheduler runs in this process"
        last = Scheduler.passes.last_good
        return None if last is not None and time.monotonic() - last < STALE else "no pass has succeeded lately"
