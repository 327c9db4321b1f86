"""The service under load, on a database of its own, with processes to break and a watch on when billing goes on."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests import servers
from tests.chaos import books
from tests.chaos.books import Count
from tests.chaos.load import Load

STEADY = 20
"""Customers with enough for ever, whose one subscription nobody touches."""
BUSY = 4
"""Customers who use the API; those of odd numbers have a dear subscription, and too little for it."""

PLANT = """
import json
from datetime import timedelta
from rest_framework_simplejwt.tokens import AccessToken
from customer import clock, customers
from customer.models import Customer
from subscription import subscriptions

busy = []
for number in range({busy}):
    dry = number % 2 == 1
    customer = customers.add(Customer(username=f"busy{{number}}", password="!"), credit=1 if dry else 10**9)
    mine = subscriptions.create(
        customer=customer, name="mine", price=5_000 if dry else 3, isactive=True, by=customer
    )
    busy.append((str(AccessToken.for_user(customer)), mine.pk))
print(json.dumps(busy))
past = clock.now() - timedelta(seconds={behind})
clock.now = lambda: past
for number in range({steady}):
    customer = customers.add(Customer(username=f"steady{{number}}", password="!"), credit=10**12)
    subscriptions.create(customer=customer, name="{name}", price=7, isactive=True, by=customer)
"""
FINISH = """
from customer import clock
from invoice import billing

now = clock.now()
while (due := billing.next_due()) and due <= now:
    billing.run_pass()
print(now.timestamp())
"""
# Those of customers who do nothing: a change bills its account even where every scheduler is dead.
STEADY_INVOICES = """
    SELECT SUM(account.invoice_count) FROM customer_account account
    JOIN customer_customer customer ON customer.id = account.customer_id WHERE customer.username LIKE 'steady%'
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one fault. `seconds` is the longest time from a fault's end to the next invoice; a kill has none."""

    fault: str
    how_many: int
    count: Count
    seconds: float | None
    answered: int = 0


class Part:
    """A process of the service that can be started again, on the same port if it has one, also in another `cwd`."""

    def __init__(self, command: list[str], *, cwd: Path = servers.ROOT, **settings: str) -> None:
        self._command, self.cwd, self.settings = command, cwd, settings
        self.start()

    def start(self) -> None:
        self.process = servers.Process(self._command, cwd=self.cwd, **self.settings)

    def kill(self) -> None:
        """kill -9, and what it leaves on its output is lost with it."""
        self.process.__exit__()

    def children(self) -> list[psutil.Process]:
        """A server's workers."""
        try:
            return psutil.Process(self.process.popen.pid).children()
        except psutil.NoSuchProcess:
            return []


class Scene:
    """Steady subscriptions, servers, schedulers and load; afterwards what is due is billed, and everything counted."""

    def __init__(
        self,
        database_url: str,
        *,
        web: tuple[str, ...] = ("gunicorn", "gunicorn --preload"),
        schedulers: int = 2,
        behind: int = 600,
        offset_file: str = "",
        tree: Path = servers.ROOT,
        **settings: str,
    ) -> None:
        """`settings` are those of all processes, beside the scene's own; `tree` is the code that plants."""
        self.url = database_url
        self._shifted = bool(offset_file)
        self._settings = (
            {
                "DATABASE_URL": database_url,
                "INVOICE_PERIOD": "1",
                "RATE_LIMITS": "off",
            }
            | servers.PRODUCTION
            | settings
        )
        if self._shifted:
            self._settings["CLOCK_OFFSET"] = offset_file
        self._plan = web, schedulers
        planted = self._shell(PLANT.format(behind=behind, steady=STEADY, busy=BUSY, name=books.STEADY), cwd=tree)
        self._customers = json.loads(planted)
        self._stack = ExitStack()
        self.faults = 0
        self._ends: list[float] = []
        self._seen: list[tuple[float, int]] = []
        self._over = threading.Event()

    def __enter__(self) -> "Scene":
        web, schedulers = self._plan
        self.web, self.schedulers, self.others, self._urls = [], [], [], []
        self._stack.callback(lambda: [part.kill() for part in self.parts])
        for kind in web:
            self.web.append(self.server(kind))
        for _ in range(schedulers):
            self.schedulers.append(self.part([*servers.MANAGE, "runscheduler"]))
        watch = threading.Thread(target=self._watch)
        watch.start()
        self._stack.callback(watch.join)
        self._stack.callback(self._over.set)
        self.load = self._stack.enter_context(Load(self._urls, self._customers))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def parts(self) -> list[Part]:
        return [*self.web, *self.schedulers, *self.others]

    def server(self, kind: str, *, host: str = "127.0.0.1", through: Sequence[str] = (), **where: Any) -> Part:
        """Starts a server, which the load uses from now on. The rest is as for `part`."""
        port = servers.free_port()
        self._urls.append(f"http://{host}:{port}")
        command = [word.replace("127.0.0.1", host).format(port=port) for word in servers.COMMANDS[kind]]
        return self.part(command, through=through, **where)

    def part(
        self, command: list[str], *, through: Sequence[str] = (), cwd: Path = servers.ROOT, **settings: str
    ) -> Part:
        """Starts a process with the scene's settings and these, in `cwd`, by way of the command `through`.

        Who starts one adds it to `web`, `schedulers` or `others`: at its end, the scene kills what is there.
        """
        return Part([*through, *self._through(command)], cwd=cwd, **self._settings | settings)

    def begins(self) -> None:
        """Waits for the first invoices."""
        servers.until(lambda: self._seen and self._seen[-1][1], "the first invoices")

    def fault_ended(self) -> None:
        """Counts a fault that ends now: from here on, the time until billing goes on."""
        self.faults += 1
        self._ends.append(time.monotonic())

    def goes_on(self) -> None:
        """Waits until invoices are made after the last fault's end."""
        servers.until(lambda: self._until_next(self._ends[-1]) is not None, "billing to go on")

    def saw(self, error: str) -> None:
        """Asserts that the fault was one: the service has met this error."""
        assert any(error in part.process.output for part in self.parts), f"no process met {error!r}"

    def row(self, fault: str, *, how_many: int | None = None) -> Row:
        """Waits until the API answers again, ends everything, has what is due billed, and counts.

        Raises AssertionError where the books disagree with the check, with the answers, or with themselves.
        """
        self.goes_on()
        answered = self.load.answered
        servers.until(lambda: self.load.answered > answered, "the API to answer a change")
        seconds = max(self._until_next(end) for end in self._ends)
        self._stack.close()
        until = float(self._shell(FINISH))
        wrong = self.load.wrong(self.url, clock_is_ours=not self._shifted)
        assert not wrong, wrong
        assert not (off := books.off(self.url)), f"credit is not ledger less invoices: {off}"
        found = json.loads(self._run("check_billing", "--json"))
        assert found["ok"], found
        count = books.count(self.url, until=until)
        assert count.stray == 0, f"{count.stray} invoices where none was due"
        how_many = self.faults if how_many is None else how_many
        return Row(fault=fault, how_many=how_many, count=count, seconds=seconds, answered=self.load.answered)

    def _until_next(self, moment: float) -> float | None:
        """The seconds from a moment until there were more invoices than at the moment, if there have been since."""
        before = max((invoices for at, invoices in self._seen if at <= moment), default=0)
        return next((at - moment for at, invoices in list(self._seen) if at > moment and invoices > before), None)

    def _watch(self) -> None:
        """Looks at how many invoices there are, twenty times a second, whenever the database answers."""
        while not self._over.wait(0.05):
            try:
                ((invoices,),) = servers.rows(self.url, STEADY_INVOICES)
            except servers.DATABASE_ERRORS:
                continue
            self._seen.append((time.monotonic(), int(invoices)))

    def _through(self, command: list[str]) -> list[str]:
        """The command, by way of the shifted clock if that is asked for."""
        return [command[0], "-m", "tests.chaos.shifted", *command[1:]] if self._shifted else command

    def _shell(self, code: str, *, cwd: Path = servers.ROOT) -> str:
        return self._run("shell", "--verbosity", "0", "-c", code, cwd=cwd)

    def _run(self, *arguments: Any, cwd: Path = servers.ROOT) -> str:
        """The output of a management command. Raises AssertionError where it fails."""
        done = subprocess.run(
            self._through([sys.executable, "manage.py", *arguments]),
            cwd=cwd,
            env=servers.environment(**self._settings),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout
