"""`/metrics`, for Prometheus: what requests came to, counted here, and how billing does."""

import hmac
import os
import time
from collections.abc import Callable, Iterator
from functools import cache

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from operators.metrics import Billing
from subscription_task.http.refusal import refuse
from subscription_task.http.requests import address

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The seconds up to which requests are counted together."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All others are one: a client may make up any."""
NONE = "none"
"""The endpoint of what is answered before there is one: paths that are none of ours, bodies too large, static files."""

prometheus_client.disable_created_metrics()
_registry = CollectorRegistry()
_requests = Counter(
    "http_requests_total", "Requests that were answered.", ["endpoint", "method", "status"], registry=_registry
)
_durations = Histogram(
    "http_request_duration_seconds",
    "How long the answers took.",
    ["endpoint", "method"],
    buckets=SECONDS,
    registry=_registry,
)


class Monitoring:
    """Counts requests by the pattern of their path, never by the path, and answers `/metrics`.

    It comes before what asks for a host name or TLS, which a scrape has not, and after the probes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in ("/metrics", "/metrics/") and _is_served(request):
            return _scrape(request)
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        method = request.method if request.method in METHODS else "other"
        answered, duration = _counters(f"/{match.route}" if match else NONE, method, response.status_code)
        answered.inc()
        duration.observe(time.perf_counter() - began)
        return response


@cache
def _counters(endpoint: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(endpoint, method, status), _durations.labels(endpoint, method)


def _is_served(request: HttpRequest) -> bool:
    """Whether there is such a path at all: where a token is set, and to a developer's own machine."""
    if settings.METRICS_TOKEN:
        return True
    peer = address(request)
    return settings.DEBUG and (peer in ("", "::1") or peer.startswith("127."))


def _scrape(request: HttpRequest) -> HttpResponse:
    given = request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
    if settings.METRICS_TOKEN and not hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        refusal = refuse(401, "The token of METRICS_TOKEN is wanted.")
        refusal["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refusal
    if request.method != "GET":
        refusal = refuse(405, f'Method "{request.method}" not allowed.')
        refusal["Allow"] = "GET"
        return refusal
    return HttpResponse(
        prometheus_client.generate_latest(_All()), content_type=prometheus_client.CONTENT_TYPE_PLAIN_0_0_4
    )


class _All(Collector):
    """What all processes of this server have counted, and what the database says."""

    def collect(self) -> Iterator[Metric]:
        # gunicorn.conf.py sets it; without, there is one process.
        many = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        yield from MultiProcessCollector(None).collect() if many else _registry.collect()
        yield from Billing().collect()
