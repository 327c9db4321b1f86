"""What gunicorn does unless its command line says otherwise; it finds this file where it is started."""

import os
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY") or 4)
timeout = 30  # seconds; a statement that waits for SQLite's lock gives up after 20
graceful_timeout = 3  # for the requests under way at SIGTERM; a process is to be gone in five
logger_class = "subscription_task.server_log.Logger"  # JSON, as all lines of the service
control_socket_disable = True  # nothing here uses it, and it would want a home directory
# Nobody's X-Forwarded-Proto is believed here, not even the loopback's: the service reads it, as TRUSTED_PROXIES says.
forwarded_allow_ips = ""

# Where the workers of prometheus_client keep their figures. It looks for this when it is imported, so before any fork.
METRICS = "PROMETHEUS_MULTIPROC_DIR"
OURS = f"gunicorn-metrics-{os.getpid()}-"
if not os.environ.get(METRICS):
    os.environ[METRICS] = tempfile.mkdtemp(prefix=OURS)


def on_starting(server: Any) -> None:
    """Empties the directory of what an earlier server left there; a reload keeps it."""
    directory = Path(os.environ[METRICS])
    directory.mkdir(parents=True, exist_ok=True)
    for left in directory.glob("*.db"):
        left.unlink()


def post_worker_init(worker: Any) -> None:
    """Lets long answers, which are files, say that they are still being sent: `timeout` is for what hangs."""
    import_module("subscription_task.http.heartbeat").beat = worker.notify


def child_exit(server: Any, worker: Any) -> None:
    """Forgets the gauges of a worker that is gone; its counters stay."""
    import_module("prometheus_client.multiprocess").mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Removes the directory, if it was made here."""
    if Path(os.environ[METRICS]).name.startswith(OURS):
        shutil.rmtree(os.environ[METRICS], ignore_errors=True)
