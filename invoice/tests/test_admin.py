"""Invoices and jobs in the admin: seen by operators, touched by nobody."""

import pickle

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from customer import customers
from customer.admin_lists import link_by
from customer.tests.operators import logged_in, operator, page, queries_of_list, superuser
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription

INVOICE, JOB = "invoice_invoice", "django_apscheduler_djangojob"


class Bomb:
    """Its pickle cannot be read unnoticed."""

    def __reduce__(self):
        return (pytest.fail, ("a job's pickle was read",))


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def vm(make_customer, fake_clock, run_pass):
    """A running subscription with an invoice."""
    ada = make_customer(credit=1000)
    made = subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)
    fake_clock.at(600)
    run_pass()
    return made


@pytest.mark.parametrize("model", [INVOICE, JOB])
def test_each_page_opens_to_those_who_may_see_it(vm, model):
    pk = Invoice.objects.get().pk if model == INVOICE else vm.pk
    app, name = ("invoice", "invoice") if model == INVOICE else ("django_apscheduler", "djangojob")
    everything = [f"{app}.{right}_{name}" for right in ("view", "add", "change", "delete")]
    statuses = {
        operator("viewer", everything[0]): 200,
        operator("editor", *everything): 200,
        superuser(): 200,
        operator("nobody"): 403,
        vm.customer: 302,  # a customer is sent to log in
    }
    for member, status in statuses.items():
        client = logged_in(member)
        for url in (page(model, "changelist"), page(model, "change", pk), page(model, "history", pk)):
            assert (member.username, client.get(url).status_code) == (member.username, status)


@pytest.mark.parametrize("model", [INVOICE, JOB])
def test_nobody_adds_edits_or_deletes_one(root, vm, model):
    before = list(Invoice.objects.values()), list(DjangoJob.objects.values("id", "next_run_time"))
    pk = Invoice.objects.get().pk if model == INVOICE else vm.pk
    client = logged_in(root)
    said = {"amount": "1", "next_run_time_0": "2031-01-01", "next_run_time_1": "00:00:00", "post": "yes"}
    assert client.post(page(model, "add"), said).status_code == 403
    assert client.post(page(model, "change", pk), said).status_code == 403
    assert client.post(page(model, "delete", pk), said).status_code == 403
    client.post(page(model, "changelist"), {"action": "delete_selected", "_selected_action": pk, **said})
    client.post(page(model, "changelist"), {"action": "run_selected_jobs", "_selected_action": pk})
    assert (list(Invoice.objects.values()), list(DjangoJob.objects.values("id", "next_run_time"))) == before
    shown = client.get(page(model, "change", pk)).content.decode()
    assert 'name="_save"' not in shown
    assert ("adjust the customer" if model == INVOICE else "follows the subscriptions") in shown


def test_django_apschedulers_own_admins_are_gone():
    assert type(admin.site.get_model_admin(DjangoJob)).__module__ == "invoice.admin"
    assert not admin.site.is_registered(DjangoJobExecution)


def test_a_job_shows_its_subscription_and_customer_and_its_pickle_stays_shut(root, vm):
    DjangoJob.objects.update(job_state=pickle.dumps(Bomb()))
    client = logged_in(root)
    for url in (page(JOB, "changelist"), page(JOB, "change", vm.pk)):
        with CaptureQueriesContext(connection) as captured:
            shown = client.get(url).content.decode()
        assert not [query for query in captured if "job_state" in query["sql"]]
        assert "2030-01-01 00:20:00" in shown  # when it runs next
        assert link_by(page("subscription_subscription", "change", vm.pk), f"VM ({vm.pk})") in shown
        assert link_by(page("customer_customer", "change", vm.customer_id), "ada") in shown


@pytest.mark.parametrize("job_id", ["heartbeat", "12abc", "0", "007", "9" * 30, "1"])
def test_a_job_that_belongs_to_no_subscription_breaks_nothing(root, vm, job_id):
    Subscription.objects.filter(pk=1).exclude(pk=vm.pk).delete()
    DjangoJob.objects.exclude(pk=str(vm.pk)).delete()
    DjangoJob.objects.get_or_create(id=job_id, defaults={"job_state": b""})
    client = logged_in(root)
    assert f">{job_id}</a>" in client.get(page(JOB, "changelist")).content.decode()
    assert client.get(page(JOB, "change", job_id)).status_code == 200
    answer = client.get(page(JOB, "changelist"), {"q": job_id})
    assert [job.pk for job in answer.context["cl"].result_list] == [job_id]


def test_jobs_come_by_their_next_run_and_the_paused_ones_last(root, vm):
    paused = subscriptions.create(customer=vm.customer, name="off", price=5, isactive=False, by=None)
    soon = subscriptions.create(customer=vm.customer, name="soon", price=5, isactive=True, by=None)
    DjangoJob.objects.filter(pk=str(soon.pk)).update(next_run_time="2030-01-01T00:15:00Z")
    answer = logged_in(root).get(page(JOB, "changelist"))
    assert [job.number for job in answer.context["cl"].result_list] == [soon.pk, vm.pk, paused.pk]


@pytest.mark.parametrize("term", ["ADA", "invoice", "subscription", "customer"])
def test_invoices_are_found_by_their_ids_and_by_the_username(root, vm, make_customer, term):
    eve = make_customer("eve", credit=5)
    invoice = Invoice.objects.get()
    ids = {"invoice": invoice.pk, "subscription": vm.pk, "customer": vm.customer_id}
    client = logged_in(root)
    answer = client.get(page(INVOICE, "changelist"), {"q": str(ids.get(term, term))})
    assert list(answer.context["cl"].result_list) == [invoice]
    assert not client.get(page(INVOICE, "changelist"), {"q": eve.username}).context["cl"].result_list


def more_invoices(rows):
    start = Subscription.objects.count()
    for number in range(start, start + rows):
        customer = customers.register(username=f"customer-{number}", password="correct horse", credit=1)
        made = subscriptions.create(customer=customer, name="VM", price=1, isactive=True, by=customer)
        Invoice.objects.create(
            customer=customer, subscription=made, amount=1, start_time=made.created_at, end_time="2099-01-01T00:00:00Z"
        )


@pytest.mark.parametrize("model", [INVOICE, JOB])
def test_a_list_takes_as_many_queries_at_50_rows_as_at_5(root, model):
    # The session, the operator, the count, the rows.
    assert queries_of_list(logged_in(root), model, more_invoices) == [4, 4]


def test_a_count_stops_at_a_bound(root, vm, monkeypatch):
    monkeypatch.setattr("customer.admin_lists.BoundedPaginator.MOST", 1)
    subscriptions.create(customer=vm.customer, name="DB", price=5, isactive=True, by=None)
    assert logged_in(root).get(page(JOB, "changelist")).context["cl"].result_count == 1
