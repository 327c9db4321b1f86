"""The faults of the distributed engine: Celery workers that die, and brokers that forget, go and stall."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import psutil
from celery import Celery

from invoice import hints
from tests import brokers, servers
from tests.chaos import broker
from tests.chaos.broker import QUEUE, Broker
from tests.chaos.place import SECONDS, Place, turns
from tests.chaos.scene import STEADY, Part, Row, Scene

SUPERVISOR = ["sh", "-c", 'while :; do "$@"; done', "supervisor"]
"""Starts again what has ended. Celery wants one: a worker ends where a process of its dies before it is ready."""
AWAY = "The broker is away: "
HINTER = """
import time
from invoice import hints

while True:
    hints.send()
    time.sleep(0.05)
"""
"""Sends hints all the time, whatever is due."""
HINTS = 200
"""How many are sent at once before the broker is flushed: more than the workers can take meanwhile."""


def workers(place: Place, kind: type[Broker]) -> Row:
    """kill -9 of workers, of single processes of theirs, and of all that `kills` kills; Celery begins the backlog."""
    with broker.running(kind) as ours, servers.database(place.given) as url, ExitStack() as stack:
        scene = stack.enter_context(_scene(url, ours, schedulers=0, behind=9_000, SCHEDULER="off"))
        _start_workers(scene, 3, through=SUPERVISOR)
        hinter = scene.part([*servers.MANAGE, "shell", "--no-imports", "-c", HINTER])
        stack.callback(hinter.kill)
        _until_each_bills(scene)
        scene.schedulers += [scene.part([*servers.MANAGE, "runscheduler"]) for _ in range(2)]
        killed: Counter[str] = Counter()
        for chance in turns(SECONDS * 1.5):
            victim, what = chance.choice(_victims(scene))
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
            killed[what] += 1
            scene.fault_ended()
            if isinstance(victim, Part):
                victim.start()
        assert min(killed["worker"], killed["worker's process"]) > 0, killed
        hinter.kill()
        _until_each_bills(scene)
        billed = sum(map(_billed, scene.others))
        return scene.row(
            f"{place.named}, {kind.named}: kill -9 of Celery workers, single processes of theirs, servers and"
            f" schedulers, at random (billed by Celery: {billed:,} or more)"
        )


def away(place: Place, kind: type[Broker]) -> Row:
    """The broker flushed with hints in it, killed, frozen and ended, and each time back again."""
    with broker.running(kind) as ours, servers.database(place.given) as url, _scene(url, ours) as scene:
        _start_workers(scene, 1)
        scene.begins()
        _until_each_bills(scene)
        lost = 0
        for _ in range(2):
            lost += _flood_and_flush(ours)
            _until_each_bills(scene)  # perhaps by a hint that it had taken before
            _is_back(scene)
            for take, give_back in ((ours.kill, ours.start), (ours.freeze, ours.thaw), (ours.end, ours.start)):
                missed = _missed(scene)
                take()
                servers.until(lambda missed=missed: _missed(scene) > missed, "a scheduler to miss the broker")
                enough = _steady(url) + STEADY
                servers.until(lambda enough=enough: _steady(url) > enough, "a scheduler to bill by itself")
                give_back()
                _is_back(scene)
        assert lost, "no hint was lost"
        return scene.row(
            f"{place.named}: {kind.named} killed, frozen, ended, or flushed ({lost:,} hints lost), and back again"
        )


def _scene(url: str, ours: Broker, **more: Any) -> Scene:
    """One whose processes send their hints by that broker."""
    return Scene(url, INVOICE_ENGINE="celery", CELERY_BROKER_URL=ours.url, CELERY_QUEUE=QUEUE, **more)


def _start_workers(scene: Scene, number: int, *, through: Sequence[str] = ()) -> None:
    """Of two processes each."""
    command = [sys.executable, "-m", *brokers.WORKER.split(), "--concurrency", "2"]
    scene.others += [scene.part(command, through=through) for _ in range(number)]


def _victims(scene: Scene) -> list[tuple[Part | psutil.Process, str]]:
    """What may be killed, and what it is."""
    workers = [worker for supervisor in scene.others for worker in supervisor.children()]
    return [
        *((part, "server or scheduler") for part in (*scene.web, *scene.schedulers)),
        *((child, "server's process") for part in scene.web for child in part.children()),
        *((worker, "worker") for worker in workers),
        *((child, "worker's process") for worker in workers for child in _children(worker)),
    ]


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def _billed(worker: Part) -> int:
    """How many a worker said that it billed: no more than it did, for what is killed cannot say."""
    return sum(map(int, re.findall(r"Billed (\d+) invoices", worker.process.output)))


def _until_each_bills(scene: Scene) -> None:
    """Waits until each worker says that it has billed more. Raises AssertionError with what they said instead."""
    before = [(worker, _billed(worker)) for worker in scene.others]
    try:
        servers.until(lambda: all(_billed(worker) > billed for worker, billed in before), "each worker to bill")
    except AssertionError as error:
        for worker in scene.others:
            error.add_note(f"A worker (its exit code: {worker.process.popen.poll()}) said\n{worker.process.output}")
        raise


def _is_back(scene: Scene) -> None:
    """Ends a fault, and waits until each worker bills again."""
    scene.fault_ended()
    scene.goes_on()
    _until_each_bills(scene)


def _missed(scene: Scene) -> int:
    """How often a scheduler, in a server or apart, has missed the broker."""
    return sum(part.process.output.count(AWAY) for part in (*scene.web, *scene.schedulers))


def _steady(database_url: str) -> int:
    """The invoices of the steady customers, whom only schedulers and workers bill: they make no changes."""
    ((invoices,),) = servers.rows(database_url, _STEADY)
    return invoices


def _flood_and_flush(ours: Broker) -> int:
    """Sends far too many hints and has the broker forget them; returns how many no worker had taken."""
    with Celery(broker=ours.url) as application:
        for _ in range(HINTS):
            application.send_task(hints.TASK, queue=QUEUE)
        return ours.flush()


_STEADY = """
    SELECT SUM(account.invoice_count) FROM customer_account account
    JOIN customer_customer customer ON customer.id = account.customer_id WHERE customer.username LIKE 'steady%'
"""
