"""`/metrics`, for Prometheus: what requests came to, counted here, and how billing does."""

import hmac
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from operators.metrics import Billing
from operators.request_counts import SECONDS, counts
from subscription_task.http.harmless import harmless
from subscription_task.http.refusal import refuse
from subscription_task.http.requests import address

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All others are one: a client may make up any."""
NONE = "none"
"""The endpoint of what is answered before there is one: paths that are none of ours, bodies too large, static files."""


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
        with harmless("counting a request"):
            match = request.resolver_match
            method = request.method if request.method in METHODS else "other"
            endpoint = f"/{match.route}" if match else NONE
            counts.add((endpoint, method, str(response.status_code)), time.perf_counter() - began)
        return response


def _is_served(request: HttpRequest) -> bool:
    """Whether there is such a path at all: where a token is set, and to a developer's own machine."""
    if settings.METRICS_TOKEN:
        return True
    peer = address(request)
    return settings.DEBUG and (peer in ("", "::1") or peer.startswith("127."))


def _scrape(request: HttpRequest) -> HttpResponse:
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = given.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""
    if settings.METRICS_TOKEN and not hmac.compare_digest(token, settings.METRICS_TOKEN.encode()):
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
        yield from _counted()
        yield from Billing().collect()


def _counted() -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "http_requests", "Requests that were answered.", labels=["endpoint", "method", "status"]
    )
    durations = HistogramMetricFamily(
        "http_request_duration_seconds", "How long the answers took.", labels=["endpoint", "method"]
    )
    by_method: defaultdict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for (endpoint, method, status), numbers in sorted(counts.total().items()):
        requests.add_metric([endpoint, method, status], sum(numbers[:-1]))
        by_method[endpoint, method].append(numbers)
    for labels, of_statuses in by_method.items():
        *up_to, seconds = (sum(each) for each in zip(*of_statuses, strict=True))
        bounds = [*map(str, SECONDS), "+Inf"]
        durations.add_metric(labels, list(zip(bounds, accumulate(up_to), strict=True)), sum_value=seconds)
    yield from (requests, durations)
