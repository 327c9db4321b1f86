"""/healthz and /readyz, as a probe sees them."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from invoice.schedulers import Scheduler
from subscription_task.health import Health


@pytest.fixture
def probe():
    """A process that has just started: nothing is known to be migrated."""
    return lambda path: Health(None)(Client().get(path).wsgi_request)


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_a_living_process_answers_whatever_name_it_is_called_by(client, path):
    answer = client.get(path, headers={"host": "10.0.0.7"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_process_that_need_not_bill_is_ready_when_its_database_is(client, settings):
    settings.SCHEDULER = "off"
    answer = client.get("/readyz", headers={"host": "10.0.0.7"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "wrong": []})


@pytest.mark.django_db
def test_a_process_that_should_bill_and_does_not_is_not_ready(client, settings):
    settings.SCHEDULER = "auto"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["wrong"]) == (503, ["no scheduler runs in this process"])


@pytest.mark.django_db
def test_passes_that_stopped_succeeding_make_it_unready(client, settings, monkeypatch):
    settings.SCHEDULER = "auto"
    monkeypatch.setattr(Scheduler, "running", lambda: True)
    for last, status in ((None, 503), (float("-inf"), 503), (float("inf"), 200)):
        monkeypatch.setattr(Scheduler.passes, "last_good", last)
        assert client.get("/readyz").status_code == status


@pytest.mark.django_db
def test_a_database_that_is_not_migrated_is_not_ready(probe, settings):
    settings.SCHEDULER = "off"
    assert probe("/readyz").status_code == 200
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("invoice", max(name for app, name in recorder.applied_migrations() if app == "invoice"))
    answer = probe("/readyz")
    assert answer.status_code == 503
    assert b"run manage.py migrate" in answer.content
