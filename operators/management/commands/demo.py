import os
import secrets
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import WSGIRequestHandler

from invoice.simulation.forecast import NoForecast
from operators.demo import history, staff
from operators.management.commands.runserver import Loopback

BAR = 60
WHERE = """
  Admin       http://localhost:{port}/admin/
  Log in as   {names}, with the password {password}

The account of {set_aside} is set aside: a job of it was moved by hand. Repair, in the admin, mends it.
Billing goes on. Ctrl-C ends it, and the database is gone.
"""


class Command(BaseCommand):
    help = (
        "Invents a provider with three months of history in a scratch database, and serves it for development."
        " Touches no other database."
    )
    requires_system_checks = ()  # runserver checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("port", nargs="?", type=int, default=8000, help="8000 if not given")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        _refuse_a_busy(port)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the default would leave the database behind
        with TemporaryDirectory(prefix="demo-") as directory:
            path, password = Path(directory, "demo.sqlite3"), secrets.token_hex(4)
            self._began = time.monotonic()
            try:
                history.fill(path, password=password, progress=self._progress)
            except NoForecast as error:
                raise CommandError(str(error)) from error
            names = ", ".join(staff.GROUPS)
            self.stdout.write(WHERE.format(port=port, names=names, password=password, set_aside=history.SET_ASIDE))
            self.stdout.flush()
            _serve(path, port)

    def _progress(self, share: float) -> None:
        bar = f"Three months of a provider: [{'#' * round(BAR * share):<{BAR}}] {share:4.0%}"
        if self.stderr.isatty():
            self.stderr.write(f"\r{bar}{chr(10) if share == 1 else ''}", ending="")
            self.stderr.flush()
        elif share == 1:
            self.stderr.write(f"Three months of a provider, in {time.monotonic() - self._began:.0f} s")


def _refuse_a_busy(port: int) -> None:
    """Raises CommandError where something else listens: better now than when all is done."""
    try:
        Loopback(("localhost", port), WSGIRequestHandler).server_close()
    except OSError as error:
        raise CommandError(f"Port {port} cannot be used: {error.strerror}. Try PORT={port + 1}.") from error


def _serve(path: Path, port: int) -> None:
    """Serves the database until the server ends, or this process. Raises CommandError where the server fails."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "runserver", "--noreload", f"localhost:{port}"]
    ours = {
        "DATABASE_URL": f"sqlite:///{path.as_posix()}",
        "DJANGO_DEBUG": "on",
        "INVOICE_ENGINE": "local",
        "INVOICE_PERIOD": "60",
        "SCHEDULER": "auto",
    }
    server = subprocess.Popen(command, env=os.environ | ours)
    try:
        if code := server.wait():
            raise CommandError(f"The server ended with {code}.")
    except KeyboardInterrupt:  # the server has had its own
        pass
    finally:
        server.terminate()
        server.wait()
