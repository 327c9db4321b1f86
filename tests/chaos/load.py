"""Customers who use the API while things break, and remember what they were answered."""

import random
import threading
import time
from collections import Counter
from http.client import HTTPException
from typing import Any

from tests import servers
from tests.chaos.books import second


class Load:
    """A thread for each of a few customers: top-ups, switches, creations, registrations, until it is stopped.

    Top-ups, names and registrations are each unique, so that the books show which of them happened. A switch is asked
    for again until it is answered. Those of odd numbers pay more than they put in, and run dry over and over.
    """

    def __init__(self, urls: list[str], customers: list[tuple[str, int]]) -> None:
        """`customers` are access tokens and subscriptions, of busy0, busy1 and so on."""
        self._urls, self._customers = urls, customers
        self._over = threading.Event()
        self._asked: Counter[tuple] = Counter()
        self._answered: Counter[tuple] = Counter()
        self._refused: list[str] = []
        self._switches: dict[int, list[tuple[bool, float, float]]] = {}
        self._threads = [threading.Thread(target=self._live, args=(number,)) for number in range(len(customers))]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def answered(self) -> int:
        """How many changes were answered."""
        return self._answered.total() + sum(map(len, self._switches.values()))

    def wrong(self, database_url: str, *, clock_is_ours: bool) -> list[str]:
        """What the customers were told, and the books deny."""
        happened = Counter(
            ("top-up", username, amount)
            for username, amount in servers.rows(database_url, _ENTRIES.format(kind="top_up"))
        )
        happened.update(("subscription", name) for (name,) in servers.rows(database_url, _SUBSCRIPTIONS))
        happened.update(
            ("registration", username, amount)
            for username, amount in servers.rows(database_url, _ENTRIES.format(kind="registration"))
        )
        wrong = self._refused + [
            f"{what} was answered and is not there" for what in self._answered if not happened[what]
        ]
        wrong += [f"{what} happened {happened[what]} times" for what in self._asked if happened[what] > 1]
        for subscription_id, switches in self._switches.items():
            starts = {
                second(start)
                for (start,) in servers.rows(
                    database_url, f"SELECT start_time FROM invoice_invoice WHERE subscription_id = {subscription_id}"
                )
            }
            for (isactive, _, answered), (_, sent, _) in zip(switches, switches[1:], strict=False):
                wrong += [
                    f"subscription {subscription_id} was {'on' if isactive else 'off'} at {instant}"
                    for instant in range(int(answered) + 1, int(sent) + 1)
                    if clock_is_ours and (instant in starts) != isactive
                ]
        return wrong

    def _live(self, number: int) -> None:
        chance = random.Random(number)
        username, dry = f"busy{number}", number % 2 == 1
        access, subscription_id = self._customers[number]
        isactive, turn = True, 0
        while not self._over.wait(chance.uniform(0.02, 0.2)):
            turn += 1
            if turn % 25 == 0:
                body = {"username": f"{username}-{turn}", "password": "correct horse", "credit": 1_000_000 + turn}
                self._once(("registration", body["username"], body["credit"]), "POST", "/customer/register/", body)
            elif turn % 20 == 0:
                body = {"name": f"{username}'s {turn}", "price": 2}
                self._once(("subscription", body["name"]), "POST", "/subscription/create/", body, access)
            elif turn % 5 == 0 and not dry:
                isactive = not isactive
                self._switch(subscription_id, isactive, access)
            else:
                self._once(
                    ("top-up", username, 1_000 + turn),
                    "PUT",
                    "/customer/increasecredit/",
                    {"credit": 1_000 + turn},
                    access,
                )

    def _switch(self, subscription_id: int, isactive: bool, access: str) -> None:
        """Asks until it is answered."""
        sent, path = time.time(), f"/subscription/editactivation/{subscription_id}/"
        while not self._over.is_set():
            if self._ask("PUT", path, {"isactive": isactive}, access):
                self._switches.setdefault(subscription_id, []).append((isactive, sent, time.time()))
                return
            self._over.wait(0.1)

    def _once(self, what: tuple, *request: Any) -> None:
        self._asked[what] += 1
        if self._ask(*request):
            self._answered[what] += 1

    def _ask(self, *request: Any) -> Any:
        """The answer to one request, if it has one and it is not a server's error."""
        if not self._urls:  # no server has been started yet
            return None
        try:
            status, answer = servers.request(random.choice(self._urls), *request, timeout=10)
        except (OSError, HTTPException, ValueError):  # nobody there, a connection cut, half an answer
            return None
        if 300 <= status < 500:
            self._refused.append(f"{request[:2]} was answered with {status}: {answer}")
        return None if status >= 500 else answer


_ENTRIES = """
    SELECT customer.username, entry.amount FROM customer_ledgerentry entry
    JOIN customer_customer customer ON customer.id = entry.account_id WHERE entry.kind = '{kind}'
"""
_SUBSCRIPTIONS = "SELECT name FROM subscription_subscription"
