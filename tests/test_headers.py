"""The headers that every answer has, as a table over paths: pages, answers, errors, and what is answered early."""

import re

import pytest
from django.test import Client
from rest_framework.test import APIClient

from customer.models import Customer
from subscription_task.http import headers
from tests import servers
from tests.fixtures import PASSWORD

PATHS = {  # method, path, policy
    "an answer": ("GET", "/invoice/statistics", headers.API),
    "a login that fails": ("POST", "/customer/login/", headers.API),
    "no such path": ("GET", "/nothing", headers.API),
    "no such method": ("DELETE", "/invoice/list", headers.API),
    "the first page": ("GET", "/", headers.HOME),
    "a probe": ("GET", "/healthz", headers.API),
    "the schema": ("GET", "/api/schema/", headers.API),
    "Swagger UI": ("GET", "/api/docs/", headers.DOCUMENTS),
    "Swagger UI without its slash": ("GET", "/api/docs", headers.DOCUMENTS),
    "Redoc": ("GET", "/api/redoc/", headers.DOCUMENTS),
    "the admin": ("GET", "/admin/", headers.ADMIN),
    "the admin's login": ("GET", "/admin/login/", headers.ADMIN),
    "no such page of the admin": ("GET", "/admin/nothing/", headers.ADMIN),
    "what only begins like the admin": ("GET", "/administrator", headers.API),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", PATHS)
def test_every_answer_says_what_a_browser_may_do_with_it(what):
    method, path, policy = PATHS[what]
    answer = Client().generic(method, path)
    assert answer.status_code < 500
    assert answer["Content-Security-Policy"] == policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert "geolocation=()" in answer["Permissions-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    if answer.status_code == 200 and policy != headers.API:
        assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_errors_of_the_first_middleware_have_them_too():
    for answer in (
        Client().get("/invoice/list", HTTP_HOST="evil.example"),
        Client().generic("POST", "/customer/login/", "{}", CONTENT_LENGTH="9" * 20, content_type="application/json"),
        Client(raise_request_exception=False).get("/readyz"),
    ):
        assert answer.status_code >= 400
        assert answer["Content-Security-Policy"] == headers.API
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_tokens_and_what_a_customer_has_are_not_kept(make_customer, client_of):
    ada = make_customer("ada")
    login = APIClient().post("/customer/login/", {"username": "ada", "password": PASSWORD})
    for answer in (login, client_of(ada).get("/invoice/list"), client_of(ada).get("/subscription/list")):
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"


def test_only_the_admin_may_evaluate_and_nobody_writes_scripts_into_a_page():
    assert "unsafe-eval" in headers.ADMIN
    assert "unsafe-eval" not in headers.DOCUMENTS + headers.API
    for policy in (headers.ADMIN, headers.DOCUMENTS):
        (scripts,) = re.findall(r"script-src ([^;]+)", policy)
        assert "unsafe-inline" not in scripts
        assert "http" not in policy


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/api/docs/",
        "/api/redoc/",
        "/admin/login/",
        "/admin/",
        "/admin/customer/customer/",
        "/admin/customer/customer/add/",
        "/admin/customer/customer/{boss}/change/",
        "/admin/customer/customer/{boss}/password/",
        "/admin/subscription/subscription/",
        "/admin/invoice/invoice/",
        "/admin/customer/ledgerentry/",
    ],
)
def test_no_page_has_a_script_or_a_handler_in_it(path):
    boss = Customer.objects.create_superuser("boss")
    client = Client()
    if "login" not in path:
        client.force_login(boss)
    page = client.get(path.format(boss=boss.pk)).content.decode()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert scripts
    for attributes, text in scripts:
        assert 'type="application/json"' in attributes or not text.strip(), text
    assert re.findall(r"<[^>]* on(?:click|change|load|submit|error)=", page) == []
    assert re.findall(r"""(?:src|href|action)=["'](?:https?:|javascript:|//)[^"']*""", page) == []


@pytest.mark.once
def test_with_tls_a_production_server_insists_on_it_and_names_no_version():
    with servers.database("") as url:
        started = {"DATABASE_URL": url, "SCHEDULER": "off", "DJANGO_HTTPS": "on", "TRUSTED_PROXIES": "1"}
        with servers.Server("gunicorn", **started) as server:
            encrypted = headers_of(server, "X-Forwarded-Proto: https")
            assert "HTTP/1.1 200" in encrypted
            assert "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload" in encrypted
            plain = headers_of(server, "X-Forwarded-Proto: http")
            assert "HTTP/1.1 301" in plain
            assert "Location: https://" in plain
            for said in (encrypted, plain):
                assert not re.search(r"(?i)^(server|x-powered-by):.*\d", said, re.MULTILINE)


def headers_of(server, header):
    """What the server says before the body, to a request for its first page with this header."""
    return servers.shell(f"curl -s -i -H '{header}' {server.url}/").replace("\r", "").split("\n\n")[0]
