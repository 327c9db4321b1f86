"""One active scheduler for each host and database; the others stand by.

It saves load and nothing else: the locks of the accounts make any number of active schedulers correct.
"""

import hashlib
import logging
import os
import tempfile
from pathlib import Path

from django.db import connection
from filelock import FileLock, Timeout

logger = logging.getLogger(__name__)


class HostLock:
    """A file lock that the kernel frees when its process dies, however it dies."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None

    def held(self) -> bool:
        """Whether this process has the lock; takes it if it is free. Without a file to lock, everybody has it."""
        try:
            if self._lock is None:
                self._lock = FileLock(_path(), mode=0o600, thread_local=False)
            if not self._lock.is_locked:
                self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            logger.warning("No lock among this host's schedulers, so each of them bills: %s", error)
        return True

    def release(self) -> None:
        """Lets another process of this host take over."""
        if self._lock is not None:
            self._lock.release()


def _path() -> Path:
    """Beside an SQLite database; for another, in the host's temporary folder, named after the database and the user."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return Path(f"{database['NAME']}.scheduler.lock")
    which = repr([database[part] for part in ("HOST", "PORT", "NAME")] + [database["OPTIONS"].get("host"), _user()])
    return Path(tempfile.gettempdir(), f"billing-scheduler-{hashlib.sha256(which.encode()).hexdigest()[:16]}.lock")


def _user() -> int | str:
    return os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
