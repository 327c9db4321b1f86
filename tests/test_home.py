"""The first page: HTML for a person, JSON for a program, and JSON whenever it refuses."""

import re

import pytest
from django.test import Client

from tests import servers

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
FORMS = {
    # what is accepted: what comes
    BROWSER: "text/html; charset=utf-8",
    "text/html": "text/html; charset=utf-8",
    "*/*": "application/json",
    "application/json": "application/json",
    "application/json, text/html;q=0.5": "application/json",
    "application/*": "application/json",
    "text/*": "text/html; charset=utf-8",
    "text/html; charset=utf-8": "text/html; charset=utf-8",
    "text/html;level=1, application/json;q=0.9": "text/html; charset=utf-8",
    "application/json;charset=UTF-8": "application/json",
    "application/json;q=0, */*": "text/html; charset=utf-8",
    "text/html;q=0, */*;q=0.1": "application/json",
    "text/html, application/json;charset=utf-8": "text/html; charset=utf-8",
}


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("accept", FORMS)
def test_each_gets_the_form_it_asks_for(client, accept):
    answer = client.get("/", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, FORMS[accept])
    assert {"Accept", "Accept-Language"} <= set(answer["Vary"].split(", "))


def test_a_program_that_asks_for_nothing_gets_addresses_that_are_there(db):
    told = Client().get("/").json()
    assert (told["name"], told["version"]) == ("Prepaid subscription billing", "1.0.0")
    assert told["documents"] == {
        "openapi": "http://testserver/api/schema/",
        "swagger_ui": "http://testserver/api/docs/",
        "redoc": "http://testserver/api/redoc/",
    }
    assert told["health"] == {"live": "http://testserver/healthz", "ready": "http://testserver/readyz"}
    assert told["admin"] == "http://testserver/admin/"
    for address in (*told["documents"].values(), told["admin"], told["health"]["live"]):
        assert Client().get(address.removeprefix("http://testserver")).status_code in (200, 302)


def test_what_neither_form_satisfies_is_406_in_json(client):
    answer = client.get("/", headers={"Accept": "image/png"})
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/json")
    assert answer.json() == {"detail": "Could not satisfy the request Accept header."}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_any_other_method_is_405_in_json(client, method):
    answer = client.generic(method, "/", headers={"Accept": BROWSER})
    assert (answer.status_code, answer["Content-Type"], answer["Allow"]) == (405, "application/json", "GET, HEAD")
    assert answer.json() == {"detail": f'Method "{method}" not allowed.'}


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_head_says_what_get_would(client, accept):
    head, get = (getattr(client, method)("/", headers={"Accept": accept}) for method in ("head", "get"))
    assert (head.status_code, head["Content-Type"], head.content) == (200, get["Content-Type"], b"")


def test_the_page_leads_to_the_documents_the_admin_and_the_health(db, client):
    page = client.get("/", headers={"Accept": BROWSER}).content.decode()
    places = set(re.findall(r'<a href="([^"]+)"', page))
    assert places == {"/api/docs/", "/api/redoc/", "/api/schema/", "/admin/", "/readyz"}
    assert re.search(r"curl -X POST \\\s+http://testserver/customer/register/ ", page)


def test_the_page_asks_nothing_of_another_host_and_runs_nothing(client):
    answer = client.get("/", headers={"Accept": BROWSER})
    page = answer.content.decode()
    assert "script-src 'none'" in answer["Content-Security-Policy"]
    assert "<script" not in page
    assert re.findall(r"""(?:src|href|action)=["'](?:https?:|javascript:|//)[^"']*""", page) == []


@pytest.mark.parametrize(
    ("language", "tag"), [("en", '<html lang="en" dir="ltr">'), ("fa", '<html lang="fa" dir="rtl">')]
)
def test_the_page_is_in_the_language_of_the_browser(client, language, tag):
    page = client.get("/", headers={"Accept": BROWSER, "Accept-Language": language}).content.decode()
    assert tag in page


def test_a_host_of_somebody_elses_is_in_no_address(client):
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert b"evil" not in answer.content


@pytest.mark.once
def test_a_production_server_has_it():
    with (
        servers.database("") as url,
        servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as server,
    ):
        status, told = server.call("GET", "/")
        assert (status, told["documents"]["openapi"]) == (200, f"{server.url}/api/schema/")
