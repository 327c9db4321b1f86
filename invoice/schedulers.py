"""The one APScheduler instance of this process, and its life."""

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC

from apscheduler.events import SchedulerEvent
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED, BaseScheduler
from django.apps import apps
from django.conf import settings
from django.db import connections

from invoice.executors import CollectingExecutor
from invoice.housekeeping import Housekeeping
from invoice.jobs import STORE
from invoice.jobstores import InvoiceJobStore
from invoice.passes import LOOK, Passes
from invoice.standby import HostLock

logger = logging.getLogger(__name__)

PATIENCE = 2
"""The seconds that a shutdown waits for the pass under way. The process must be gone within 5, and a server and the
interpreter take their time to end, too; a pass takes a fraction of a second unless the database holds it up."""


SWITCH = 0.0005
"""The seconds that the thread of a pass may keep the interpreter from a request of the same process, which wants it
back after each statement. Python's own 5 ms would be several at once for one answer."""


class _Passes(BackgroundScheduler):
    """A BackgroundScheduler whose thread queries nothing before the apps are ready, and leaves no connection behind."""

    def _main_loop(self) -> None:
        apps.ready_event.wait()  # the thread starts in InvoiceConfig.ready()
        housekeeping = Housekeeping(Scheduler.housekeeping)
        try:
            while self.state != STATE_STOPPED:
                self._survive()
        finally:
            housekeeping.end()
            connections.close_all()

    def _survive(self) -> None:
        """APScheduler's loop until it ends, or fails where no pass catches it: then it is begun again in a second."""
        try:
            super()._main_loop()
        except Exception:
            logger.exception("The scheduler's loop failed; it goes on in a second")
            self._event.wait(1)
            self.wakeup()

    def _process_jobs(self) -> float | None:
        """One pass; none once the scheduler is stopped: what woke the loop was its end.

        The wait for the next is no longer than LOOK, also where the host's clock was put back meanwhile.
        """
        if self.state == STATE_STOPPED:
            return None
        wait = super()._process_jobs()
        return wait and min(wait, LOOK.total_seconds())

    def _dispatch_event(self, event: SchedulerEvent) -> None:
        """Spares a lock and a copy for each job of a pass where nobody listens."""
        if self._listeners:
            super()._dispatch_event(event)


class Scheduler:
    """In a server, its thread bills. Elsewhere `Scheduler.scheduler` reads jobs and, behind doors, changes them."""

    scheduler: BaseScheduler
    passes: Passes
    lock = HostLock()
    housekeeping: dict[Callable[[], None], int] = {}
    """What is done beside billing, in a thread of its own, and every how many seconds."""
    _waits_for_fork = False

    @classmethod
    def attach(cls) -> None:
        """Makes `scheduler` usable without a thread: `get_job`, `get_jobs` and, behind a door, the rest."""
        cls.passes = Passes(cls.lock)
        cls.scheduler = _Passes(
            timezone=UTC,
            # The jobs of subscriptions are rows of the database; "default" is for jobs of others.
            jobstores={"default": MemoryJobStore(), STORE: InvoiceJobStore(cls.passes)},
            executors={STORE: CollectingExecutor(cls.passes)},
            job_defaults={"misfire_grace_time": None, "coalesce": False},
        )
        BaseScheduler.start(cls.scheduler, paused=True)

    @classmethod
    def start(cls) -> None:
        """Starts the thread that bills, in this process."""
        BaseScheduler.shutdown(cls.scheduler)
        sys.setswitchinterval(SWITCH)
        cls.scheduler.start()
        atexit.register(cls.shutdown)
        logger.info("A scheduler runs in process %d", os.getpid())

    @classmethod
    def shutdown(cls) -> None:
        """Lets the pass under way end, but waits no longer than PATIENCE; what it had not committed is undone."""
        atexit.unregister(cls.shutdown)
        thread = cls._thread()
        if thread is None:
            return
        # Not APScheduler's own shutdown, which waits for ever for the lock that a pass holds.
        cls.scheduler.state = STATE_STOPPED
        cls.scheduler.wakeup()
        thread.join(PATIENCE)
        cls.lock.release()
        cls.attach()

    @classmethod
    def wakeup(cls) -> None:
        """Makes the thread look at once; without one, nothing."""
        if cls.running():
            cls.scheduler.wakeup()

    @classmethod
    def running(cls) -> bool:
        """Whether a thread of this process bills: it lives, whatever APScheduler says of itself."""
        thread = cls._thread()
        return thread is not None and thread.is_alive()

    @classmethod
    def start_where_one_belongs(cls) -> None:
        """Starts in a server: runserver's serving process, or a worker of a WSGI or ASGI server. Runs no query."""
        if settings.SCHEDULER == "off" or not _serves():
            return
        if _preloads():
            cls._waits_for_fork = True
            return
        if _is_runserver() and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the default would skip atexit
        cls.start()

    @classmethod
    def after_fork(cls) -> None:
        """In a forked child: no thread has survived, though the state says so; a preloading master's child starts."""
        cls.lock = HostLock()
        cls.attach()
        if cls._waits_for_fork:
            cls._waits_for_fork = False
            cls.start()

    @classmethod
    def _thread(cls) -> threading.Thread | None:
        return getattr(cls.scheduler, "_thread", None)


def _is_runserver() -> bool:
    return sys.argv[1:2] == ["runserver"]


def _serves() -> bool:
    """Whether this process serves requests. runserver's reloading parent only watches files."""
    if _is_runserver():
        return "--noreload" in sys.argv or os.environ.get("RUN_MAIN") == "true"
    return "subscription_task.wsgi" in sys.modules or "subscription_task.asgi" in sys.modules


def _preloads() -> bool:
    """Whether gunicorn's master loads the application (--preload): its workers are forked from it afterwards."""
    modules, frame = set(), sys._getframe()
    while frame is not None:
        modules.add(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    return "gunicorn.arbiter" in modules and not any(name.startswith("gunicorn.workers.") for name in modules)
