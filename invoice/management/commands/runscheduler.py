import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from invoice.schedulers import Scheduler


class Command(BaseCommand):
    help = "Bills in the foreground until SIGTERM or Ctrl-C, for deployments that want the scheduler apart."

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not migrated: run `python manage.py migrate` first.")
        connection.close()  # the passes have one of their own, in their thread
        signals: list[int] = []  # not an Event, whose lock a signal handler can find taken
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: signals.append(received))
        Scheduler.start()
        self.stdout.write("Billing. Ctrl-C or SIGTERM ends it.")
        self.stdout.flush()
        while not signals:
            time.sleep(0.2)
        Scheduler.shutdown()
        self.stdout.write("Stopped.")
