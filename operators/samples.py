"""How all subscriptions stand, looked at every minute by one of the schedulers.

The whole is seen in slices of some thousand customers, so that no snapshot is held for long.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import nsmallest
from operator import itemgetter

from django.db import connection, transaction
from django.db.models import CharField, Count, F, Max, Min, Model
from django.db.models.functions import Cast
from django_apscheduler.models import DjangoJob

from customer import clock
from customer.errors import AccountSetAside
from customer.models import Account, Customer, SetAside
from invoice import billing, outlook, sql, tallies
from operators.models import Flapping, RunsDry, Sample
from subscription.models import Pause, Subscription

EVERY = 60
"""The seconds between two samples, unless one takes long."""
REST = 30
"""How many times as long as it took is rested after a sample: 3 % of one core of the database at most."""
KEPT = 30 * 24 * 60
"""How many samples are kept, 30 days of them: by their number, since a clock that stood ahead for once must not end the
history."""
SLICE = 20_000
"""Customers that are looked at by one statement, for some 50 ms."""
MOST = 50
"""How many accounts that run dry, and subscriptions that flap, are kept."""
OFTEN = 3
"""A subscription flaps that missed instants, switched off and on again, so many times in a day."""
DAYS_AHEAD = 3660
"""Accounts that last longer are not said to run dry at all."""
LATEST = 100_000
"""The latest pauses, among which those that flap are looked for."""

# The accounts of a slice that run dry first, each with the counts of all of the slice. An account without running
# subscriptions never does.
SWEEP = """
    SELECT customer_id, credit, per_second, credit / per_second AS lasts,
           sum(running) OVER (), sum(deactivated) OVER (), sum(insufficient) OVER (), sum(per_second) OVER ()
    FROM (
        SELECT account.customer_id, account.credit, count(job.next_run_time) AS running,
               sum(CASE WHEN subscription.isactive THEN 0 ELSE 1 END) AS deactivated,
               sum(CASE WHEN subscription.isactive AND job.next_run_time IS NULL THEN 1 ELSE 0 END) AS insufficient,
               sum(CASE WHEN job.next_run_time IS NOT NULL THEN subscription.price * 1.0 / subscription.period END)
                   AS per_second
        FROM subscription_subscription subscription
        JOIN customer_account account ON account.customer_id = subscription.customer_id
        JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
        WHERE subscription.customer_id >= %s AND subscription.customer_id < %s
        GROUP BY account.customer_id, account.credit
    ) of_account
    ORDER BY lasts NULLS LAST
    LIMIT %s
"""


def sample() -> None:
    """Looks at all subscriptions, if nobody has lately, and adds the tallies up. Raises django.db.Error."""
    began, now = time.monotonic(), clock.now()
    last = Sample.objects.filter(at__lte=now + clock.APART).order_by("-at").first()
    if last and now < last.at + timedelta(seconds=max(EVERY * 0.9, REST * last.seconds)):
        return
    (running, deactivated, insufficient, per_second), dry = _sweep()
    due = billing.next_due()
    runs_dry = list(_running_dry(dry))
    with transaction.atomic():
        Sample.objects.create(
            at=now,
            running=running,
            deactivated=deactivated,
            insufficient_credit=insufficient,
            set_aside=SetAside.objects.count(),
            backlog=backlog(now),
            lag=max((now - due).total_seconds(), 0) if due else 0,
            per_day=round(per_second * 86_400),
            seconds=time.monotonic() - began,
        )
        _forget(now)
        _keep(RunsDry, runs_dry)
        _keep(Flapping, _flapping(now))
    tallies.compact()


def _forget(now: datetime) -> None:
    """Removes samples that are too many, and those of a clock that stood ahead."""
    Sample.objects.filter(at__gt=now + clock.APART).delete()
    for oldest in Sample.objects.order_by("-pk").values_list("pk", flat=True)[KEPT - 1 : KEPT]:
        Sample.objects.filter(pk__lt=oldest).delete()


def backlog(at: datetime, *, most: int | None = None) -> int:
    """How many jobs of accounts that are not set aside were due, counted up to `most`."""
    of_set_aside = Subscription.objects.filter(customer__account__set_aside__isnull=False)
    ids = of_set_aside.annotate(job_id=Cast("pk", CharField())).values("job_id")
    return DjangoJob.objects.filter(next_run_time__lte=at).exclude(pk__in=ids).values("pk")[:most].count()


def _sweep() -> tuple[list[float], list[tuple]]:
    """How many run, are deactivated and lack credit, and the running ones' price a second; and who runs dry first."""
    totals, first = [0.0] * 4, []
    ends = Account.objects.aggregate(low=Min("pk"), high=Max("pk"))
    for low in range(ends["low"] or 0, (ends["high"] or -1) + 1, SLICE):
        with transaction.atomic(), connection.cursor() as cursor:
            sql.write_by_key()
            cursor.execute(SWEEP, [low, low + SLICE, MOST])
            found = cursor.fetchall()
        if found:
            totals = [total + float(more or 0) for total, more in zip(totals, found[0][4:], strict=True)]
        first = nsmallest(MOST, first + [row for row in found if row[2]], key=itemgetter(3))
    return totals, first


def _running_dry(rows: list[tuple]) -> Iterator[RunsDry]:
    """Those of the rows' accounts that will pause something for want of credit, and when exactly."""
    names = Customer.objects.in_bulk([customer_id for customer_id, *_ in rows])
    for customer_id, credit, per_second, *_ in rows:
        try:
            at = outlook.of_customer(customer_id=customer_id, days=DAYS_AHEAD, first=0).runs_out_at
        except (AccountSetAside, Account.DoesNotExist):
            continue
        if at is not None:
            yield RunsDry(
                customer_id=customer_id,
                username=names[customer_id].username,
                credit=credit,
                per_day=round(float(per_second) * 86_400),
                at=at,
            )


def _flapping(now: datetime) -> list[Flapping]:
    newest = Pause.objects.aggregate(newest=Max("pk"))["newest"] or 0
    found = (
        Pause.objects.filter(
            pk__gt=newest - LATEST, paused_at__gt=now - timedelta(days=1), paused_at__lte=now + clock.APART
        )
        .filter(paused_because=Pause.Reason.DEACTIVATED, restored_from__gt=F("withheld_from"))
        .values("subscription_id", "subscription__name", "subscription__customer_id")
        .annotate(times=Count("pk"), last_at=Max("paused_at"))
        .filter(times__gte=OFTEN)
        .order_by("-times")[:MOST]
    )
    return [
        Flapping(
            subscription_id=row["subscription_id"],
            name=row["subscription__name"],
            customer_id=row["subscription__customer_id"],
            times=row["times"],
            last_at=row["last_at"],
        )
        for row in found
    ]


def _keep(model: type[Model], rows: list[Model]) -> None:
    """Puts `rows` in the place of all that were there."""
    model.objects.all().delete()
    model.objects.bulk_create(rows)
