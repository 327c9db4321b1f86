import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from invoice.schedulers import Scheduler


class Command(BaseCommand):
    help = "Bills in the foreground until SIGTERM or Ctrl-C, for deployments that want the scheduler apart."
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        Scheduler.start()
        self.stdout.write("Billing. Ctrl-C or SIGTERM ends it.")
        self.stdout.flush()
        while not over.wait(1):  # Windows delivers a signal only between two waits
            pass
        Scheduler.shutdown()
        self.stdout.write("Stopped.")
