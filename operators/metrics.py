"""What monitoring reads of billing, in the database: so it is the whole truth, whichever process is asked and whoever
bills, on this host or another.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from django.db import Error
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from customer import clock
from customer.models import SetAside
from invoice import billing, sql
from invoice.models import Checked
from invoice.work import BOUNDS
from operators import samples
from operators.models import Sample, SchedulerProcess
from operators.presence import LOST, is_heard_of

MOST_PROCESSES = 200
"""How many scheduler processes are told of, those that were heard of last."""
MOST_JOBS = 10_000
"""As far as the backlog is counted."""

# Exact, and in one statement: were the sum of one scrape lower than that of the one before, by rounding or amid a
# `compact`, Prometheus would take it for a new beginning. In halves on SQLite, whose sums end at 2^63.
CHARGED = {
    "postgresql": "SELECT sum(invoices), 0, sum(amount) FROM invoice_tally",
    "sqlite": "SELECT sum(invoices), sum(amount / 4294967296), sum(amount %% 4294967296) FROM invoice_tally",
}


class Billing(Collector):
    """How billing does at the moment of `collect`: some ten queries, none in a transaction."""

    def collect(self) -> list[Metric]:
        """All of it, or `billing_database_up` 0 alone."""
        try:
            found = list(_families(clock.now()))
        except Error:
            found = []
        up = "Whether the database answers; where it does not, nothing else is known of billing."
        return [GaugeMetricFamily("billing_database_up", up, value=bool(found)), *found]


def _families(now: datetime) -> Iterator[Metric]:
    yield from _charged()
    yield from _late(now)
    processes = list(SchedulerProcess.objects.order_by("-seen_at")[:MOST_PROCESSES])
    yield from _passes(processes)
    yield from _schedulers(processes, now)
    yield GaugeMetricFamily(
        "billing_accounts_set_aside",
        "Accounts that cannot be billed until they are repaired.",
        value=SetAside.objects.count(),
    )
    if sample := Sample.objects.filter(at__lte=now + clock.APART).order_by("-at").first():
        yield from _sampled(sample)
    if checked := Checked.objects.order_by("-pk").first():
        yield from _checked(checked)


def _charged() -> Iterator[Metric]:
    ((invoices, high, low),) = sql.query(CHARGED)
    amount = int(high or 0) * 2**32 + int(low or 0)
    yield CounterMetricFamily("billing_invoices_total", "Invoices that were made.", value=invoices or 0)
    yield CounterMetricFamily(
        "billing_charged_amount_total", "What they came to, in the smallest unit of money.", value=amount
    )


def _late(now: datetime) -> Iterator[Metric]:
    due = billing.next_due()
    late = due is not None and due < now
    yield GaugeMetricFamily(
        "billing_lag_seconds",
        "For how long the oldest instant that is not billed yet has been due.",
        value=(now - due).total_seconds() if late else 0,
    )
    yield GaugeMetricFamily(
        "billing_backlog_jobs",
        f"Jobs that are due, counted up to {MOST_JOBS}.",
        value=samples.backlog(now, most=MOST_JOBS) if late else 0,
    )


def _passes(processes: list[SchedulerProcess]) -> Iterator[Metric]:
    labels = ["host", "pid"]
    seconds = HistogramMetricFamily(
        "billing_pass_seconds", "How long the passes took that billed something.", labels=labels
    )
    invoices = CounterMetricFamily("billing_pass_invoices_total", "Invoices that passes made.", labels=labels)
    failures = CounterMetricFamily("billing_pass_failures_total", "Passes that failed.", labels=labels)
    # A number is given again: the process that was heard of last has it.
    newest = {(each.host, str(each.pid)): each for each in reversed(processes)}
    for of, process in newest.items():
        bounds = [*map(str, BOUNDS), "+Inf"]
        seconds.add_metric(of, list(zip(bounds, process.up_to, strict=True)), sum_value=process.seconds)
        invoices.add_metric(of, process.invoices)
        failures.add_metric(of, process.failures)
    yield from (seconds, invoices, failures)


def _schedulers(processes: list[SchedulerProcess], now: datetime) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "billing_scheduler_up",
        f"Whether a scheduler of the host was heard of in the last {LOST.seconds} seconds.",
        labels=["host"],
    )
    last = GaugeMetricFamily(
        "billing_scheduler_last_pass_timestamp_seconds",
        "When a scheduler of the host last billed something.",
        labels=["host"],
    )
    for host, group in groupby(sorted(processes, key=lambda each: each.host), key=lambda each: each.host):
        of_host = list(group)
        up.add_metric([host], any(is_heard_of(each, at=now) for each in of_host))
        if passes := [each.last_at for each in of_host if each.last_at]:
            last.add_metric([host], max(passes).timestamp())
    yield from (up, last)


def _sampled(sample: Sample) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "billing_subscriptions", "Subscriptions that run, and that are paused, by reason.", labels=["state"]
    )
    for state in ("running", "deactivated", "insufficient_credit"):
        states.add_metric([state], getattr(sample, state))
    yield states
    yield GaugeMetricFamily(
        "billing_expected_income_per_day",
        "What the running subscriptions come to in a day, in the smallest unit of money.",
        value=sample.per_day,
    )
    yield GaugeMetricFamily(
        "billing_sample_timestamp_seconds",
        "When the subscriptions were last counted.",
        value=sample.at.timestamp(),
    )


def _checked(checked: Checked) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "billing_check_faults", "Faults that the last recorded check of the books found.", value=checked.faults
    )
    yield GaugeMetricFamily("billing_check_timestamp_seconds", "When that was.", value=checked.at.timestamp())
