"""A process that keeps no connection open, and forks one child for each piece of work that it is asked for.

A child does its work on the database named, its clock standing still, and may have to kill itself with SIGKILL at one
of the boundaries between statements. `python -m tests.chaos.nursery` reads requests and answers them, one line of JSON
each.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection
from rest_framework.test import APIClient

from customer import accounts, clock, customers
from customer.models import Customer
from invoice import billing
from invoice.checks import report
from subscription import subscriptions
from subscription.models import Subscription
from tests.chaos.boundaries import BEGIN, NOW
from tests.fixtures import process_jobs


class Boundaries:
    """Counts the boundaries that a child passes: before and after each statement and each commit; dies at one."""

    def __init__(self, deadly: int | None, say: Callable[[dict[str, Any]], None]) -> None:
        self.deadly, self.say = deadly, say
        self.passed = 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Everything that the connection does in here."""
        connection.ensure_connection()
        commit = connection._commit

        def _commit() -> None:
            self._boundary("before a commit")
            commit()
            self._boundary("after a commit")

        connection._commit = _commit
        with connection.execute_wrapper(self._statement):
            yield
        connection._commit = commit

    def _statement(self, execute: Callable, sql: str, *rest: Any) -> Any:
        self._boundary(f"before {_named(sql)}")
        found = execute(sql, *rest)
        self._boundary(f"after {_named(sql)}")
        return found

    def _boundary(self, which: str) -> None:
        self.passed += 1
        if self.passed == self.deadly:
            self.say({"killed": which})
            os.kill(os.getpid(), signal.SIGKILL)


def _named(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())[:60]


def plant() -> None:
    """Five accounts with instants due since BEGIN: one that has enough for two of them, and one with nothing due."""
    clock.now = lambda: BEGIN
    for name, credit, made in (
        ("ada", 10**6, [(7, True), (5, True)]),
        ("bob", 20, [(7, True)]),
        ("dan", 10**6, [(2, True), (3, False)]),
        ("eve", 10**6, [(4, True)]),
        ("fay", 0, []),
    ):
        customer = customers.register(username=name, password="correct horse", credit=credit)
        for price, isactive in made:
            subscriptions.create(customer=customer, name=f"{name}'s", price=price, isactive=isactive, by=customer)


def _of(name: str) -> Customer:
    return Customer.objects.get(username=name)


def _that_costs(price: int) -> dict[str, Any]:
    subscription = Subscription.objects.get(price=price)
    return {"customer_id": subscription.customer_id, "subscription_id": subscription.pk, "by": subscription.customer}


def _with_key(name: str, method: str, path: str, said: dict[str, Any]) -> None:
    """A request with an idempotency key, which must succeed."""
    client = APIClient(SERVER_NAME="localhost")
    client.force_authenticate(_of(name))
    answer = getattr(client, method)(path, said, format="json", headers={"Idempotency-Key": "once"})
    assert answer.status_code < 300, answer.content


# Each looks up what it needs, and gives the work whose boundaries count.
WORK: dict[str, Callable[[], Callable[[], Any]]] = {
    "nothing": lambda: lambda: None,
    "a pass": lambda: billing.run_pass,
    "a round of APScheduler's loop": lambda: process_jobs,
    "a top-up": lambda: partial(accounts.top_up, customer_id=_of("bob").pk, amount=50, by=_of("bob")),
    "a creation": lambda: partial(
        subscriptions.create, customer=_of("eve"), name="new", price=9, isactive=True, by=_of("eve")
    ),
    "an activation": lambda: partial(subscriptions.set_active, **_that_costs(3), isactive=True),
    "a deactivation": lambda: partial(subscriptions.set_active, **_that_costs(4), isactive=False),
    "a top-up with a key": lambda: partial(_with_key, "bob", "put", "/customer/increasecredit/", {"credit": 50}),
    "a creation with a key": lambda: partial(
        _with_key, "eve", "post", "/subscription/create/", {"name": "new", "price": 9}
    ),
    "a registration": lambda: partial(customers.register, username="gus", password="correct horse", credit=77),
}


def work(what: str, deadly: int | None, say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Does one piece of work, or dies in its midst."""
    the_work = WORK[what]()
    with Boundaries(deadly, say).watch():
        the_work()
    return {"killed": None}


def recover() -> None:
    """Passes until nothing is due."""
    deadline = time.monotonic() + 30
    while (due := billing.next_due()) and due <= NOW:
        if not billing.run_pass():  # the killed child's session may still hold its locks
            assert time.monotonic() < deadline, "what is due does not get billed"
            time.sleep(0.01)


def check() -> dict[str, Any]:
    """What check_billing finds."""
    found = report.run(progress=lambda what: None)
    return {"faults": [str(fault) for fault in found.faults], "due": found.due}


def do(request: dict[str, Any], say: Callable[[dict[str, Any] | None], None]) -> None:
    """Does what is asked for, says the answer, and leaves no connection behind."""
    real = clock.now

    def now() -> datetime:
        real()  # on PostgreSQL a statement, with boundaries like any other
        return NOW

    connection.settings_dict["NAME"] = request["database"]
    if connection.vendor == "sqlite":  # the machine stays up, so what a kill leaves needs no disk
        connection.settings_dict["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    clock.now = now
    match request["do"]:
        case "plant":
            answer = plant()
        case "recover":
            answer = recover()
        case "check":
            answer = check()
        case what:
            answer = work(what, request.get("deadly"), say)
    connection.close()
    clock.now = real
    say(answer)


def fork(request: dict[str, Any]) -> dict[str, Any] | None:
    """Forks a child for a request, and waits for its end. Raises RuntimeError where it ended otherwise."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            do(request, lambda said: os.write(writing, json.dumps(said).encode()))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must not go on as its parent
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with open(reading) as pipe:
        said = json.loads(pipe.read() or "null")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    killed = bool(said) and said.get("killed")
    if code != (-signal.SIGKILL if killed else 0):
        raise RuntimeError(f"a child that was to do {request['do']!r} ended with {code}")
    return said


def main() -> None:
    """Answers requests until there are no more."""
    billing.CLAIM, billing.MOST = 4, 4  # slices, that there be commits in the midst of passes and settlements
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "warm up":  # so that the children find in memory what each would load and compile anew
            for warming in ("recover", "check", *WORK):
                do(request | {"do": warming}, lambda answer: None)
            answer = None
        else:
            answer = fork(request)
        print(json.dumps(answer), flush=True)
