from errno import EADDRNOTAVAIL, EAFNOSUPPORT
from threading import Thread
from typing import Any

from django.contrib.staticfiles.management.commands import runserver
from django.core.servers.basehttp import WSGIServer

WITHOUT_IPV6 = {EADDRNOTAVAIL, EAFNOSUPPORT}


class Loopback(WSGIServer):
    """Where it is to answer on `localhost`, it does on both addresses of that name: browsers try ::1 first."""

    def __init__(self, address: tuple[str, int], *args: Any, **options: Any) -> None:
        self.other = None  # first: a server that cannot be bound is closed
        super().__init__(address, *args, **options)
        if address[0] == "localhost":
            try:
                self.other = type(self)(("::1", self.server_port), *args, **options | {"ipv6": True})
            except OSError as error:
                if error.errno not in WITHOUT_IPV6:
                    self.server_close()
                    raise

    def set_app(self, application: Any) -> None:
        super().set_app(application)
        if self.other:
            self.other.set_app(application)

    def serve_forever(self, *args: Any) -> None:
        if self.other:
            self.other.daemon_threads = True
            Thread(target=self.other.serve_forever, name="server on ::1", daemon=True).start()
        super().serve_forever(*args)

    def server_close(self) -> None:
        super().server_close()
        if self.other:
            self.other.server_close()


class Command(runserver.Command):
    """Django's, on `localhost` if no address is given, by either of its addresses."""

    default_addr = "localhost"
    server_cls = Loopback
