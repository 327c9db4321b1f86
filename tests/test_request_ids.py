"""The request id that answers and lines share, and the one line about each request."""

import json
import logging
import re
import threading

import pytest
from django.core.signals import request_finished
from django.http import HttpResponse
from django.test import Client, RequestFactory

from customer.models import Account
from subscription_task.http.requests import RequestLog

GOOD = ["a", "A-1_b.c", "0" * 64, "550e8400-e29b-41d4-a716-446655440000"]
BAD = ["", " ", "0" * 65, "a b", "é", "a\n", "a;b", '{"a":1}', "<script>", "a/b", "\x00"]


@pytest.mark.django_db
@pytest.mark.parametrize("given", GOOD)
def test_a_request_id_that_is_brought_is_kept(given, lines):
    answer = Client().get("/invoice/list", HTTP_X_REQUEST_ID=given)
    assert answer["X-Request-ID"] == answer.wsgi_request.request_id == given
    assert [line["request_id"] for line in lines()] == [given]


@pytest.mark.django_db
@pytest.mark.parametrize("given", BAD)
def test_another_request_id_is_replaced(given, lines):
    answer = Client().get("/invoice/list", HTTP_X_REQUEST_ID=given)
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])
    assert [line["request_id"] for line in lines()] == [answer["X-Request-ID"]]


EVERYWHERE = {
    "an answer": ("GET", "/api/schema/", {}, 200),
    "a probe": ("GET", "/healthz", {}, 200),
    "a probe that fails": ("GET", "/readyz", {}, 503),
    "a foreign host": ("GET", "/", {"HTTP_HOST": "evil.example"}, 400),
    "no such path": ("GET", "/nothing", {}, 404),
    "no token": ("GET", "/invoice/list", {}, 401),
    "no such method": ("DELETE", "/customer/login/", {}, 405),
    "too much": ("POST", "/customer/login/", {"CONTENT_LENGTH": "9" * 20}, 413),
    "the admin": ("GET", "/admin/", {}, 302),
    "a form without its token": ("POST", "/admin/login/", {}, 403),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", EVERYWHERE)
def test_every_answer_has_a_request_id(what, settings, lines):
    settings.SCHEDULER = "auto"
    method, path, extra, status = EVERYWHERE[what]
    answer = Client(enforce_csrf_checks=True).generic(method, path, content_type="application/json", **extra)
    assert answer.status_code == status
    assert answer["X-Request-ID"]
    if what == "a probe":
        assert lines() == []
    else:
        assert {line["request_id"] for line in lines()} == {answer["X-Request-ID"]}


@pytest.mark.django_db
def test_a_500_and_all_lines_about_it_share_their_request_id(make_customer, client_of, lines):
    ada = make_customer("ada")
    client = client_of(ada)
    client.raise_request_exception = False
    Account.objects.filter(pk=ada.pk).delete()
    answer = client.get("/invoice/statistics", HTTP_X_REQUEST_ID="the-500")
    assert (answer.status_code, answer["X-Request-ID"]) == (500, "the-500")
    said = lines()
    assert len(said) == 3
    assert {line["request_id"] for line in said} == {"the-500"}
    assert any("Traceback" in line.get("exception", "") for line in said)
    logging.getLogger("somebody").warning("afterwards")
    assert "request_id" not in lines()[-1]


@pytest.mark.django_db
def test_the_line_of_a_request_says_who_asked_what_and_no_query(make_customer, client_of, lines):
    ada = make_customer("ada")
    client_of(ada).get("/Invoice/list/?page_size=7&x=secret", REMOTE_ADDR="192.0.2.7")
    (line,) = lines()
    assert line["ms"] > 0
    expected = {"method": "GET", "path": "/Invoice/list/", "status": 200, "customer": ada.pk, "address": "192.0.2.7"}
    assert {name: line[name] for name in expected} == expected
    assert "secret" not in json.dumps(line)


@pytest.mark.django_db
def test_the_line_of_a_page_of_the_admin_says_who_asked(make_customer, lines):
    boss = make_customer("boss")
    type(boss).objects.filter(pk=boss.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(boss)
    client.get("/admin/")
    assert [line["customer"] for line in lines()] == [boss.pk]


@pytest.mark.django_db
def test_nobody_is_asked_for_only_to_be_named(django_assert_num_queries, make_customer, lines):
    client = Client()
    client.force_login(make_customer("ada"))
    with django_assert_num_queries(0):
        client.get("/api/redoc/")
    assert "customer" not in lines()[0]


@pytest.mark.once
def test_threads_do_not_mix_their_request_ids(lines):
    together = threading.Barrier(4)

    def view(request):
        together.wait(10)
        logging.getLogger("view").warning(request.request_id)
        together.wait(10)
        return HttpResponse()

    def ask(number):
        RequestLog(view)(RequestFactory().get("/", HTTP_X_REQUEST_ID=f"thread-{number}"))
        request_finished.send(sender=None)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    said = [line for line in lines() if line["logger"] == "view"]
    assert sorted(line["event"] for line in said) == [f"thread-{number}" for number in range(4)]
    assert all(line["event"] == line["request_id"] for line in said)
