"""Failed logins are throttled always; a login that succeeds never counts."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.throttling import BaseThrottle

from customer import login_counters, places
from customer.models import fold
from customer.serializers import MAX_USERNAME

DAY = 24 * 60 * 60
KNOWN_FOR = 90 * DAY
"""The seconds for which a place is known to an account after a login that succeeded."""


@dataclass(frozen=True)
class Budget:
    """At most `failures` in `seconds`, counted from the first."""

    what: str
    failures: int
    seconds: int


PAIR = Budget("pair", 10, 60)
"""One name from one place."""
PLACE = Budget("place", 100, 600)
"""One place, over all names that it is not known to."""
ACCOUNT = Budget("account", 100, 3600)
"""One name, over all places that are not known to it. It refuses nobody: beyond it, each of them has FIRST alone."""
FIRST = Budget("first", 3, 3600)
"""What a place that is not known has of a name under attack, whatever the other places do."""


@dataclass(frozen=True)
class Attempt:
    """A name that is tried from a place. One that may be a proxy of ours has no budget of its own."""

    name: str
    place: places.Place

    def key(self, what: str) -> str:
        """The key of a counter. A digest: the table says nothing of who tried whom from where."""
        parts = {"place": (self.place.name,), "account": (self.name,)}.get(what, (self.name, self.place.name))
        return hashlib.sha256("\n".join((what, *parts)).encode(errors="replace")).hexdigest()


class FailedLogins(BaseThrottle):
    """Whether a name may be tried from a place, by what has failed lately; docs/decisions/14 says why so.

    Each place has its own budget of failures for each name, so nobody can lock out somebody elsewhere.
    """

    def allow_request(self, request: Any, view: Any) -> bool:
        return not self.too_many(request)

    def wait(self) -> float:
        return self._seconds

    def too_many(self, request: Any, username: str | None = None) -> bool:
        """Whether this name, from this place, has failed too often to be tried now; `wait` then says for how long."""
        self._seconds = self._refused_for(self._attempt(request, username))
        return self._seconds > 0

    def count(self, request: Any, username: str | None = None) -> None:
        """Counts a failure, of the name in the request's body where none is given."""
        attempt = self._attempt(request, username)
        now = int(time.time())
        known = attempt.key("known") in login_counters.read([attempt.key("known")], now=now)
        budgets = [PAIR] if known else [PAIR, FIRST, ACCOUNT] + ([] if attempt.place.shared else [PLACE])
        login_counters.add({attempt.key(each.what): each.seconds for each in budgets}, now=now)

    def succeeded(self, request: Any, username: str | None = None) -> None:
        """Makes the place known to the account; writes at most once a day."""
        key, now = self._attempt(request, username).key("known"), int(time.time())
        _, until = login_counters.read([key], now=now).get(key, (0, 0))
        if until < now + KNOWN_FOR - DAY:
            login_counters.keep(key, until=now + KNOWN_FOR)

    def _refused_for(self, attempt: Attempt) -> int:
        """The seconds for which this attempt is refused; 0 where it is not."""
        now = int(time.time())
        budgets = (PAIR, PLACE, ACCOUNT, FIRST)
        keys = {what: attempt.key(what) for what in ("known", *(each.what for each in budgets))}
        found = login_counters.read(keys.values(), now=now)
        spent = {
            each: found[keys[each.what]][1] - now
            for each in budgets
            if keys[each.what] in found and found[keys[each.what]][0] >= each.failures
        }
        if keys["known"] in found:
            return spent.get(PAIR, 0)
        if not spent.pop(ACCOUNT, 0):
            spent.pop(FIRST, 0)
        return max(spent.values(), default=0)

    def _attempt(self, request: Any, username: str | None = None) -> Attempt:
        if username is None:
            username = str(request.data.get("username", "")) if isinstance(request.data, Mapping) else ""
        # Trimmed as the serializer does; a longer one is no login, and could take minutes to fold.
        return Attempt(fold(username.strip()[:MAX_USERNAME]), places.of(self.get_ident(request) or ""))
