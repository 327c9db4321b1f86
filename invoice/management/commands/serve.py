import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from invoice.schedulers import Scheduler

WHERE = """
  API         http://localhost:{port}   (a walk with curl is in the README)
  Documents   http://localhost:{port}/api/docs/
  Admin       http://localhost:{port}/admin/
  Operator    .venv/bin/python manage.py createsuperuser   makes one

{who} bills in this server. Ctrl-C ends it.
"""


class Command(BaseCommand):
    help = "Migrates, says where everything is, and serves for development: three commands, started once."
    requires_system_checks = ()  # runserver checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("port", nargs="?", default="8000", help="8000 if not given")

    def handle(self, *args: Any, port: str, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        bills = settings.SCHEDULER != "off"
        self.stdout.write(WHERE.format(port=port, who="The scheduler" if bills else "Nothing"))
        self.stdout.flush()
        if bills:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the default would skip atexit
            Scheduler.start()
        call_command("runserver", f"localhost:{port}", use_reloader=False)
