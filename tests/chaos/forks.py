"""gunicorn's workers forked over and over, with and without --preload: one of them all bills, whichever are left."""

import signal
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import servers
from tests.chaos.place import SECONDS, NotHere, Place, turns
from tests.chaos.scene import Part, Row, Scene

LOCKS = Path("/proc/locks")
OPTIONS = "--max-requests 15 --max-requests-jitter 10 --graceful-timeout 3"
REPLACED = "Autorestarting worker after current request"
"""What gunicorn says of a worker that has had its requests."""
WORKERS = {"HUP": 2, "TTIN": 3, "TTOU": 2}
"""How many workers a server has after each signal, sent in this order."""


def forks(place: Place) -> Row:
    """Workers end after some requests; SIGHUP replaces all of a server's, TTIN and TTOU add and take one."""
    if not LOCKS.exists():
        raise NotHere(f"it wants {LOCKS}, to see who bills")
    with TemporaryDirectory() as directory, servers.database(place.given) as url:
        settings = {"TMPDIR": directory, "GUNICORN_CMD_ARGS": OPTIONS}
        with Scene(url, schedulers=0, **settings) as scene:
            scene.begins()
            todo = cycle([(name, part) for name in WORKERS for part in scene.web])
            for _ in turns(SECONDS * 1.5):
                name, part = next(todo)
                before = {worker.pid for worker in part.children()}
                part.process.popen.send_signal(signal.Signals[f"SIG{name}"])
                servers.until(
                    lambda part=part, name=name, before=before: _done(part, name, before), f"SIG{name}'s effect"
                )
                scene.fault_ended()
                servers.until(lambda: _one_bills(scene, directory), "one worker of all to bill, and all to be ready to")
                scene.goes_on()
            replaced = servers.until(lambda: _replaced(scene), "a worker to have had its requests")
            return scene.row(
                f"{place.named}: gunicorn with and without --preload: SIGHUP, TTIN, TTOU,"
                " and workers that end after some requests",
                how_many=scene.faults + replaced,
            )


def _replaced(scene: Scene) -> int:
    """How many workers had had their requests."""
    return sum(part.process.output.count(REPLACED) for part in scene.web)


def _done(part: Part, name: str, before: set[int]) -> bool:
    """Whether the server has done what the signal is for."""
    now = {worker.pid for worker in part.children()}
    return len(now) == WORKERS[name] and (name != "HUP" or not now & before)


def _one_bills(scene: Scene, directory: str) -> bool:
    """Whether one worker of this host, a living one, has the lock of those that bill, and all others stand by."""
    workers = {worker.pid for part in scene.web for worker in part.children()}
    output = "".join(part.process.output for part in scene.web)
    holders = _holders(scene.url, directory)
    return (
        len(holders) == 1
        and holders <= workers
        and all(f"A scheduler runs in process {worker}\n" in output for worker in workers)
    )


def _holders(url: str, directory: str) -> set[int]:
    """The processes that have locked the file of the host's schedulers."""
    beside = Path(f"{url.removeprefix('sqlite:///')}.scheduler.lock")
    found = [beside] if beside.exists() else list(Path(directory).glob("billing-scheduler-*.lock"))
    inodes = {str(path.stat().st_ino) for path in found}
    lines = [line.split() for line in LOCKS.read_text().splitlines()]
    # 1: FLOCK ADVISORY WRITE 4711 fe:00:123456 0 EOF
    return {int(pid) for _, kind, _, _, pid, inode, *_ in lines if kind == "FLOCK" and inode.split(":")[2] in inodes}
