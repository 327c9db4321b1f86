"""The stock design: a BackgroundScheduler with django-apscheduler's DjangoJobStore and a pool of threads; each job is
one transaction that locks its account with `select_for_update`.

`DATABASE_URL=… python -m bench.run bench.stock` gives every subscription a stock job that is due, lets them run once,
and prints what it took as JSON. Nothing is dropped for being late, and nothing is logged.
"""

import json
import pickle
import sys
import time
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from django.db import transaction
from django.db.models import F
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob

from customer.models import Account
from invoice.models import Invoice
from subscription.models import Subscription

THREADS = 10


def bill(subscription_id: int) -> None:
    """What each job does: an invoice, and its price from the credit."""
    with transaction.atomic():
        subscription = Subscription.objects.get(pk=subscription_id)
        account = Account.objects.select_for_update().get(pk=subscription.customer_id)
        if not subscription.isactive or account.credit < subscription.price:
            return
        start = datetime.now(UTC)
        Invoice.objects.create(
            customer_id=account.pk,
            subscription=subscription,
            amount=subscription.price,
            start_time=start,
            end_time=start + timedelta(seconds=subscription.period),
        )
        Account.objects.filter(pk=account.pk).update(
            credit=F("credit") - subscription.price,
            invoice_count=F("invoice_count") + 1,
            invoice_total=F("invoice_total") + subscription.price,
        )


def main() -> None:
    scheduler = BackgroundScheduler(
        timezone=UTC,
        jobstores={"default": DjangoJobStore()},
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"misfire_grace_time": None, "coalesce": True},
    )
    scheduler.start(paused=True)
    DjangoJob.objects.all().delete()
    due = datetime.now(UTC)
    rows = []  # a day apart: none is due twice in the measurement
    for subscription_id in Subscription.objects.values_list("pk", flat=True):
        job = scheduler.add_job(bill, IntervalTrigger(days=1), [subscription_id], id="one", replace_existing=True)
        state = job.__getstate__() | {"id": str(subscription_id), "next_run_time": due}
        rows.append(DjangoJob(id=str(subscription_id), next_run_time=due, job_state=pickle.dumps(state)))
    DjangoJob.objects.all().delete()
    DjangoJob.objects.bulk_create(rows, batch_size=1_000)
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    scheduler.resume()
    while sum(Account.objects.values_list("invoice_count", flat=True)) < len(rows):
        time.sleep(0.2)
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}), flush=True)
    scheduler.shutdown()
