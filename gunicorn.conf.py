"""What gunicorn does unless its command line says otherwise; it finds this file where it is started."""

import os
import socket
from importlib import import_module
from typing import Any


def _here(address: str) -> bool:
    """Whether this machine has the address; without IPv6 it has no ::1."""
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind((address, 0))
    except OSError:
        return False
    return True


bind = ["127.0.0.1:8000", *(["[::1]:8000"] if _here("::1") else [])]  # the addresses of `localhost`
workers = int(os.environ.get("WEB_CONCURRENCY") or 4)
timeout = 30  # seconds; a statement that waits for SQLite's lock gives up after 20
graceful_timeout = 3  # for the requests under way at SIGTERM; a process is to be gone in five
logger_class = "subscription_task.server_log.Logger"  # JSON, as all lines of the service
control_socket_disable = True  # nothing here uses it, and it would want a home directory
# Nobody's X-Forwarded-Proto is believed here, not even the loopback's: the service reads it, as TRUSTED_PROXIES says.
forwarded_allow_ips = ""

# Where workers show that they live, in a file without a name: memory where there is some, since no new worker can begin
# once a temporary folder is gone.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _counts() -> Any:
    """Where the workers count their requests: memory of the master's, made before it forks them."""
    return import_module("operators.request_counts").counts


def pre_fork(server: Any, worker: Any) -> None:
    """Gives the worker a part of the counts."""
    worker.part = _counts().take()


def post_fork(server: Any, worker: Any) -> None:
    """Has it count there."""
    _counts().use(worker.part)


def post_worker_init(worker: Any) -> None:
    """Lets long answers, which are files, say that they are still being sent: `timeout` is for what hangs."""
    import_module("subscription_task.http.heartbeat").beat = worker.notify


def child_exit(server: Any, worker: Any) -> None:
    """Gives its part to the next; what it counted stays."""
    _counts().give_back(worker.part)
