"""The admin's login: whoever gets in can move money."""

import pytest
from django.test import Client

from customer.models import Customer
from customer.throttling import PAIR
from tests.fixtures import PASSWORD


@pytest.fixture
def boss(db):
    return Customer.objects.create_superuser("boss", password=PASSWORD)


def log_in(password, username="boss", address="127.0.0.1"):
    """The answer to the form, sent from `address`."""
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": username, "password": password})


def test_an_operator_logs_in_whatever_the_case_of_the_name(boss):
    assert log_in(PASSWORD, "BOSS").status_code == 302


def test_failed_logins_are_throttled_with_the_apis(boss, client, monkeypatch):
    monkeypatch.setattr("customer.throttling.time.time", lambda: 0)
    for _ in range(PAIR.failures // 2):
        log_in("wrong")
        client.post("/customer/login/", {"username": "boss", "password": "wrong"})
    answer = log_in(PASSWORD)
    assert answer.status_code == 200
    assert b"Too many failed logins" in answer.content
    assert log_in(PASSWORD, address="10.0.0.7").status_code == 302, "nobody is locked out from elsewhere"


def test_logins_that_succeed_are_never_throttled(boss, monkeypatch):
    monkeypatch.setattr("customer.throttling.time.time", lambda: 0)
    assert [log_in(PASSWORD).status_code for _ in range(PAIR.failures + 2)] == [302] * (PAIR.failures + 2)


def test_a_form_without_a_name_is_refused(boss):
    assert log_in("wrong", "").status_code == 200
