"""Failed logins are throttled always; a login that succeeds never counts."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from rest_framework.throttling import BaseThrottle

from customer.models import fold
from customer.serializers import MAX_USERNAME


class FailedLogins(BaseThrottle):
    """At most `LIMIT` failures in each `WINDOW` of seconds, for one username from one address.

    The pair, so that nobody can lock somebody else out. The counters live in Django's cache.
    """

    LIMIT = 10
    WINDOW = 60

    def allow_request(self, request: Any, view: Any) -> bool:
        return not self.too_many(request, self._username(request))

    def wait(self) -> float:
        return self.WINDOW - time.time() % self.WINDOW

    def too_many(self, request: Any, username: str) -> bool:
        """Whether this name, from this address, has failed too often to be tried again in this window."""
        return cache.get(self._key(request, username), 0) >= self.LIMIT

    def count(self, request: Any, username: str | None = None) -> None:
        """Counts a failure, of the name in the request's body where none is given."""
        key = self._key(request, self._username(request) if username is None else username)
        cache.add(key, 0, timeout=2 * self.WINDOW)
        cache.incr(key)

    def _username(self, request: Any) -> str:
        return str(request.data.get("username", "")) if isinstance(request.data, Mapping) else ""

    def _key(self, request: Any, username: str) -> str:
        # Trimmed as the serializer does; a longer one is no login, and could take minutes to fold.
        who = f"{fold(username.strip()[:MAX_USERNAME])} from {self.get_ident(request)}"
        digest = hashlib.sha256(who.encode(errors="replace")).hexdigest()
        return f"failed logins {int(time.time() // self.WINDOW)} {digest}".replace(" ", "-")
