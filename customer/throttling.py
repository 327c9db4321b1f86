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
        return cache.get(self._key(request), 0) < self.LIMIT

    def wait(self) -> float:
        return self.WINDOW - time.time() % self.WINDOW

    def count(self, request: Any) -> None:
        """Counts a failure."""
        cache.add(self._key(request), 0, timeout=2 * self.WINDOW)
        cache.incr(self._key(request))

    def _key(self, request: Any) -> str:
        data = request.data if isinstance(request.data, Mapping) else {}
        # Trimmed as the serializer does; a longer one is no login, and could take minutes to fold.
        username = str(data.get("username", "")).strip()[:MAX_USERNAME]
        who = f"{fold(username)} from {self.get_ident(request)}"
        digest = hashlib.sha256(who.encode(errors="replace")).hexdigest()
        return f"failed logins {int(time.time() // self.WINDOW)} {digest}".replace(" ", "-")
