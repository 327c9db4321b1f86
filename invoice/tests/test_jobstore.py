"""The job store as APScheduler and an operator's shell see it."""

import pickle
import threading
from datetime import timedelta

import pytest
from apscheduler.job import Job
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.schedulers.base import STATE_STOPPED, BaseScheduler
from apscheduler.triggers.interval import IntervalTrigger
from django.db import OperationalError
from django_apscheduler.models import DjangoJob

from bench import fill
from customer import accounts
from customer.accounts import Event
from invoice import billing
from invoice.housekeeping import Housekeeping
from invoice.jobs import STORE, make_invoice
from invoice.passes import LOOK
from invoice.schedulers import Scheduler
from subscription import subscriptions
from tests.fixtures import EPOCH
from tests.servers import PATIENCE

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


@pytest.fixture
def vm(ada):
    return subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)


def scheduler():
    return Scheduler.scheduler


def test_a_subscription_has_one_job_from_its_creation_on(vm):
    job = scheduler().get_job(str(vm.pk))
    assert job.id == str(vm.pk)
    assert job.next_run_time == EPOCH + timedelta(seconds=600)
    assert job.trigger.interval == timedelta(seconds=600)
    assert DjangoJob.objects.count() == 1


def test_a_paused_job_has_no_next_run_time(ada, vm):
    subscriptions.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=False, by=None)
    assert scheduler().get_job(str(vm.pk)).next_run_time is None


def test_all_jobs_are_listed_the_paused_ones_last(ada, vm):
    paused = subscriptions.create(customer=ada, name="off", price=1, isactive=False, by=ada)
    last = subscriptions.create(customer=ada, name="last", price=1, isactive=False, by=ada)
    assert [job.id for job in scheduler().get_jobs()] == [str(vm.pk), str(paused.pk), str(last.pk)]


def test_an_id_that_is_no_subscriptions_finds_nothing(vm):
    for job_id in ("0", "999", "12abc", "9" * 40, "", "-1", "۱"):
        assert scheduler().get_job(job_id) is None


def test_the_row_holds_a_pickle_that_stock_apscheduler_can_read(vm):
    row = DjangoJob.objects.get()
    job = Job.__new__(Job)
    job.__setstate__(pickle.loads(row.job_state))
    assert (job.id, job.args, job.next_run_time) == (row.id, (vm.pk,), row.next_run_time)
    assert job.trigger.get_next_fire_time(None, EPOCH + timedelta(seconds=1)) == EPOCH + timedelta(seconds=600)


def test_the_row_is_small(vm):
    assert len(DjangoJob.objects.get().job_state) <= fill.JOB_STATE


def test_a_pickle_that_cannot_be_read_is_left_alone_and_billed(vm, fake_clock, run_pass):
    DjangoJob.objects.update(job_state=b"a renamed function")
    fake_clock.at(600)
    run_pass()
    assert vm.invoices.count() == 1
    assert bytes(DjangoJob.objects.get().job_state) == b"a renamed function"


def test_a_job_is_changed_nowhere_but_behind_the_door(vm):
    job_id = str(vm.pk)
    for change in (scheduler().pause_job, scheduler().resume_job, scheduler().remove_job):
        with pytest.raises(RuntimeError, match=r"with customer\.accounts\.door"):
            change(job_id)
    with pytest.raises(RuntimeError, match=r"with customer\.accounts\.door"):
        scheduler().add_job(make_invoice, "interval", seconds=5, args=[vm.pk], id=job_id, jobstore=STORE)
    assert scheduler().get_job(job_id).next_run_time == EPOCH + timedelta(seconds=600)


def test_behind_the_door_a_pause_is_on_record_and_the_rule_has_the_last_word(ada, vm):
    with accounts.door(ada.pk, event=Event.ADJUSTMENT):
        scheduler().pause_job(str(vm.pk))
        assert scheduler().get_job(str(vm.pk)).next_run_time is None
    assert scheduler().get_job(str(vm.pk)).next_run_time == EPOCH + timedelta(seconds=600)
    assert vm.pauses.get().restored_from == EPOCH + timedelta(seconds=600)


def test_behind_the_door_a_job_resumes_on_its_grid(ada, vm, fake_clock):
    subscriptions.set_active(customer_id=ada.pk, subscription_id=vm.pk, isactive=False, by=None)
    fake_clock.at(700)
    with accounts.door(ada.pk, event=Event.ADJUSTMENT):
        type(vm).objects.filter(pk=vm.pk).update(isactive=True)
        scheduler().resume_job(str(vm.pk))
        assert scheduler().get_job(str(vm.pk)).next_run_time == EPOCH + timedelta(seconds=1200)


def test_behind_the_door_a_lost_job_can_be_added_but_no_second_one(ada, vm):
    store = scheduler()._lookup_jobstore(STORE)
    with accounts.door(ada.pk, event=Event.DELETION):
        job = scheduler().get_job(str(vm.pk))
        with pytest.raises(ConflictingIdError):
            store.add_job(job)
        scheduler().remove_job(job.id)
        store.add_job(job)
    assert DjangoJob.objects.count() == 1


def test_a_subscription_that_stays_keeps_its_job(ada, vm):
    with accounts.door(ada.pk, event=Event.ADJUSTMENT), pytest.raises(RuntimeError, match="delete"):
        scheduler().remove_job(str(vm.pk))
    assert DjangoJob.objects.count() == 1


def test_the_door_of_one_account_does_not_open_anothers_jobs(vm, make_customer):
    bob = make_customer("bob")
    with pytest.raises(JobLookupError), accounts.door(bob.pk, event=Event.ADJUSTMENT):
        scheduler().pause_job(str(vm.pk))
    assert scheduler().get_job(str(vm.pk)).next_run_time is not None


def test_the_schedule_cannot_be_emptied():
    with pytest.raises(RuntimeError, match="delete"):
        scheduler().remove_all_jobs(STORE)


def test_housekeeping_jobs_live_beside_the_billing_ones(vm):
    job = scheduler().add_job(print, IntervalTrigger(hours=1), id="housekeeping")
    try:
        assert DjangoJob.objects.count() == 1
        assert scheduler().get_job("housekeeping") == job
    finally:
        job.remove()


@pytest.mark.parametrize("step", ["next_due", "a_pass"])
def test_nothing_escapes_a_pass_and_the_next_one_bills(step, vm, fake_clock, run_pass, monkeypatch, caplog):
    def away():
        raise OperationalError("the database is away")

    fake_clock.at(600)
    # Under a test's transaction the connection must stay; a live one is closed.
    monkeypatch.setattr("invoice.passes.connection.close", lambda: None)
    with monkeypatch.context() as broken:
        broken.setattr(billing, step, away)
        for _ in range(3):
            assert Scheduler.passes.begin() == []
            assert Scheduler.passes.end() == LOOK
    assert [record.message for record in caplog.records] == ["A pass failed; trying again every second"]
    run_pass()
    assert vm.invoices.count() == 1
    assert caplog.records[-1].message == "Passes succeed again"


def test_a_pass_that_is_given_up_rolls_back(vm, fake_clock):
    fake_clock.at(600)
    (job,) = Scheduler.passes.begin()
    Scheduler.passes.collect(job.customer_id)
    Scheduler.passes.begin()  # the loop began anew: the first pass never ended
    assert vm.invoices.count() == 0
    Scheduler.passes.end()


def test_the_loop_survives_what_no_pass_catches(monkeypatch, caplog):
    """APScheduler's own thread would end here, and its `running` stay True."""
    scheduler, rounds = Scheduler.scheduler, []

    def process(_):
        rounds.append(len(rounds))
        if len(rounds) == 2:
            scheduler.state = STATE_STOPPED
            return 0
        raise RuntimeError("escaped")

    monkeypatch.setattr(BaseScheduler, "_process_jobs", process)
    monkeypatch.setattr(scheduler, "_event", threading.Event())
    monkeypatch.setattr(Scheduler, "housekeeping", {})  # its threads would write what no test takes back
    scheduler.wakeup()
    scheduler._main_loop()
    Scheduler.attach()
    assert rounds == [0, 1]
    assert "goes on in a second" in caplog.text


def test_housekeeping_is_done_again_after_a_failure_until_it_ends(caplog):
    rounds, twice = [], threading.Event()

    def fails():
        rounds.append(threading.current_thread())
        if len(rounds) > 1:
            twice.set()
        raise RuntimeError("escaped")

    housekeeping = Housekeeping({fails: 0.01})
    assert twice.wait(PATIENCE)
    housekeeping.end()
    rounds[0].join(PATIENCE)
    assert not rounds[0].is_alive()
    assert "fails failed; it is done again in 0.01 s" in caplog.text
