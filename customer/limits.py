"""How often one may ask: the limits, and what holds requests to them where RATE_LIMITS is on.

Each request of the API counts in one of them, whatever it is answered, and each to a path that there is not.
docs/limits.md has the table.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.views import APIView

from customer import places, request_counters
from customer.authentication import TokenAuthentication
from customer.models import Customer
from subscription_task.http.refusal import refuse
from subscription_task.http.requests import address


@dataclass(frozen=True)
class Limit:
    """At most `quota` requests in `seconds`, counted from the first."""

    name: str
    quota: int
    seconds: int

    def key(self, whose: str) -> str:
        """The key of a counter. A digest: the table says nothing of who asks from where."""
        return hashlib.sha256(f"{self.name}\n{whose}".encode(errors="replace")).hexdigest()


ADDRESS = Limit("address", 120, 60)
"""What comes from one place without a valid token, or to a path that is nobody's."""
CUSTOMER = Limit("customer", 1200, 60)
"""What comes with one customer's tokens, from wherever."""
FORECAST = Limit("forecast", 60, 60)
"""A customer's forecasts, which are computed."""
REGISTRATION = Limit("registration", 100, 3600)
"""Registrations from one place, which may be an office; each hashes a password."""

WITH_A_TOKEN = {"forecast": FORECAST}
"""Limits of routes, where a customer asks; CUSTOMER for all others."""
FROM_A_PLACE = {"register": REGISTRATION, "token-refresh": ADDRESS}
"""Limits of routes that take no access token, whoever asks."""
APART = ("login", "schema", "docs")
"""Routes that are not limited: logins that succeed never are, and those that fail are counted by themselves; the API's
documents cost no more than static files.
"""


@dataclass(frozen=True)
class Standing:
    """How a request stands to its limit."""

    limit: Limit
    left: int
    """The requests that are still free in the window."""
    seconds: int
    """Until its end, at least 1."""
    refused: bool

    def tell(self, response: HttpResponse) -> None:
        """Sets the headers of draft-ietf-httpapi-ratelimit-headers-11."""
        name, quota, window = self.limit.name, self.limit.quota, self.limit.seconds
        response["RateLimit-Policy"] = f'"{name}";q={quota};w={window}'
        response["RateLimit"] = f'"{name}";r={self.left};t={self.seconds}'
        if self.refused:
            response["Retry-After"] = str(self.seconds)


class _WhereLimitsAreOn:
    """A middleware that is not there where RATE_LIMITS is off."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.RATE_LIMITS:
            raise MiddlewareNotUsed
        self.get_response = get_response


class RateLimits(_WhereLimitsAreOn):
    """Counts each request that has come as far as a view of the API, before it, and refuses those beyond a limit."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        standing = getattr(request, "standing", None)
        if standing is not None:
            standing.tell(response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        route = request.resolver_match.view_name
        if not issubclass(getattr(view, "cls", object), APIView) or route in APART:
            return None
        request.standing = _count(*_counter(request, route))
        return _refusal(request.standing)


class UnknownPaths(_WhereLimitsAreOn):
    """Counts each request to a path that there is not, once that is known: nothing is changed, but a line is logged."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 404 or request.resolver_match is not None:
            return response
        standing = _count(*_of_its_place(request, ADDRESS))
        response = _refusal(standing) or response
        if standing is not None:
            standing.tell(response)
        return response


def _refusal(standing: Standing | None) -> HttpResponse | None:
    """The answer to a request that is beyond its limit."""
    if standing is None or not standing.refused:
        return None
    return refuse(429, str(Throttled(wait=standing.seconds).detail))


def _counter(request: HttpRequest, route: str) -> tuple[Limit, str]:
    """The limit in which a request counts, and the key of its counter."""
    if route not in FROM_A_PLACE:
        limit = WITH_A_TOKEN.get(route, CUSTOMER)
        if key := _of_its_customer(request, limit):
            return limit, key
    return _of_its_place(request, FROM_A_PLACE.get(route, ADDRESS))


def _of_its_place(request: HttpRequest, limit: Limit) -> tuple[Limit, str]:
    return limit, limit.key(places.of(address(request)).name)


def _of_its_customer(request: HttpRequest, limit: Limit) -> str | None:
    """The key for the customer whose token is sent; None where there is none, or it is no good."""
    authentication = TokenAuthentication()
    try:
        claims = authentication.claims(request)
        if claims is None:
            return None
        key = limit.key(str(claims.get("user_id")))
        if request_counters.spent_for(key):
            request.user = Customer(pk=int(claims["user_id"]))  # for the log
        else:
            # Read now, since a token that was revoked must not spend what is its customer's.
            request.user = authentication.customer(request, claims)
    except AuthenticationFailed:
        return None
    return key


def _count(limit: Limit, key: str) -> Standing | None:
    """None where it could not be counted."""
    if left := request_counters.spent_for(key):
        return Standing(limit, 0, math.ceil(left), True)
    counted = request_counters.count(key, quota=limit.quota, seconds=limit.seconds)
    if counted is None:
        return None
    number, left = counted
    return Standing(limit, max(limit.quota - number, 0), math.ceil(left), number > limit.quota)
