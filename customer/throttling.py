"""Failed logins are throttled always; a login that succeeds never counts."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
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
BUDGETS = (PAIR, PLACE, ACCOUNT, FIRST)


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

    def count(self, request: Any, username: str | None = None) -> bool:
        """Counts a failure, of the name in the request's body where none is given; False where it was one too many.

        Then others that failed meanwhile have spent the budget: nothing is counted, and the answer must not say that
        the password was wrong. So of guesses sent all at once, too, only so many are answered.
        """
        attempt, now = self._attempt(request, username), int(time.time())
        known = attempt.key("known")
        is_known = known in login_counters.read({known: KNOWN_FOR}, now=now)
        budgets = [PAIR] if is_known else [PAIR, FIRST, ACCOUNT] + ([] if attempt.place.shared else [PLACE])
        windows = {attempt.key(each.what): each.seconds for each in budgets}
        with transaction.atomic():
            login_counters.hold(windows)
            self._seconds = self._refused_for(attempt)
            if self._seconds:
                transaction.set_rollback(True)
                return False
            login_counters.add(windows, now=now)
        login_counters.sweep(now=now)
        return True

    def succeeded(self, request: Any, username: str | None = None) -> bool:
        """Makes the place known to the account, and writes at most once a day; False where it came too late.

        Then failures meanwhile have spent the budget: the right one of many guesses sent at once is not told apart.
        """
        attempt, now = self._attempt(request, username), int(time.time())
        found = self._read(attempt, now)
        self._seconds = self._refused(found, now)
        if self._seconds:
            return False
        if found.get("known", (0, 0))[1] < now + KNOWN_FOR - DAY:
            login_counters.keep(attempt.key("known"), until=now + KNOWN_FOR)
        return True

    def _refused_for(self, attempt: Attempt) -> int:
        """The seconds for which this attempt is refused; 0 where it is not."""
        now = int(time.time())
        return self._refused(self._read(attempt, now), now)

    def _read(self, attempt: Attempt, now: int) -> dict[str, tuple[int, int]]:
        """What the counters say of the attempt, by what they are of: its failures, and until when they count."""
        windows = {"known": KNOWN_FOR} | {each.what: each.seconds for each in BUDGETS}
        keys = {attempt.key(what): what for what in windows}
        read = login_counters.read({key: windows[what] for key, what in keys.items()}, now=now)
        return {keys[key]: counter for key, counter in read.items()}

    def _refused(self, found: Mapping[str, tuple[int, int]], now: int) -> int:
        spent = {
            each: found[each.what][1] - now
            for each in BUDGETS
            if each.what in found and found[each.what][0] >= each.failures
        }
        if "known" in found:
            return spent.get(PAIR, 0)
        if not spent.pop(ACCOUNT, 0):
            spent.pop(FIRST, 0)
        return max(spent.values(), default=0)

    def _attempt(self, request: Any, username: str | None = None) -> Attempt:
        if username is None:
            username = str(request.data.get("username", "")) if isinstance(request.data, Mapping) else ""
        # Trimmed as the serializer does; a longer one is no login, and could take minutes to fold.
        return Attempt(fold(username.strip()[:MAX_USERNAME]), places.of(self.get_ident(request) or ""))
