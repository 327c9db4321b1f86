"""Who may read `/metrics`, and what it says of requests."""

from functools import partial

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from subscription import subscriptions
from tests import servers
from tests.fixtures import PASSWORD

TOKEN = "a-token-of-a-test/0123456789=="
HERE = {"REMOTE_ADDR": "127.0.0.1"}
PATHS = ["/metrics", "/metrics/"]


@pytest.fixture
def production(settings):
    settings.DEBUG = False
    settings.METRICS_TOKEN = TOKEN
    return settings


def requests(client: Client) -> dict[tuple, float]:
    """How many requests were answered, by endpoint, method and status."""
    text = client.get("/metrics", **HERE, HTTP_AUTHORIZATION=f"bearer  {TOKEN}").content.decode()
    return {
        (sample.labels["endpoint"], sample.labels["method"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


def counted(client: Client, ask) -> dict[tuple, float]:
    """What `ask` adds to the requests."""
    before = requests(client)
    ask()
    after = requests(client)
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "billing.example"])
def test_who_has_the_token_reads_it_by_any_name_and_without_tls(db, client, production, path, host):
    production.SECURE_SSL_REDIRECT = True
    answer = client.get(path, HTTP_HOST=host, HTTP_AUTHORIZATION=f"Bearer {TOKEN}", REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"billing_database_up 1.0" in answer.content


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "given", ["Token x", "", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", TOKEN, "Bearer é€"]
)
def test_who_has_not_is_refused_though_he_stands_before_the_machine(client, production, path, given):
    answer = client.get(path, **HERE, **({"HTTP_AUTHORIZATION": given} if given else {}))
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert list(answer.json()) == ["detail"]
    assert b"billing" not in answer.content


def test_a_token_of_the_api_does_not_open_it(make_customer, client_of, production):
    ada = make_customer("ada")
    assert client_of(ada).get("/metrics", **HERE).status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_there_is_none_in_production(client, settings, path):
    settings.DEBUG, settings.METRICS_TOKEN = False, ""
    for given in ({}, {"HTTP_AUTHORIZATION": "Bearer "}):
        answer = client.get(path, **HERE, **given)
        assert (answer.status_code, answer.content) == (404, b'{"detail":"Not found."}')


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.1", 200), ("127.9.9.9", 200), ("::1", 200), ("", 200), ("10.0.0.7", 404)]
)
def test_a_development_server_tells_its_own_machine_alone(db, client, settings, peer, status):
    settings.DEBUG, settings.METRICS_TOKEN = True, ""
    assert client.get("/metrics", REMOTE_ADDR=peer).status_code == status


@pytest.mark.parametrize("said", ["203.0.113.9", "unknown"])
def test_what_a_proxy_says_of_the_client_counts_where_it_is_trusted(db, client, settings, said):
    settings.DEBUG, settings.METRICS_TOKEN = True, ""
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    asked = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": said}
    assert client.get("/metrics", **asked).status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_it_can_only_be_read(client, production, method):
    answer = client.generic(method, "/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    assert (answer.status_code, answer["Allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["/metrics/x", "/metrics//", "/Metrics"])
def test_what_is_near_it_is_no_path(client, production, path):
    assert client.generic("GET", path, HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 404


def test_requests_are_counted_by_the_pattern_of_their_path_in_every_spelling(make_customer, client_of, production):
    ada = make_customer("ada", credit=10)
    vm = subscriptions.create(customer=ada, name="VM", price=1, isactive=True, by=ada)
    client = client_of(ada)

    def ask() -> None:
        for path in ("/invoice/list", "/invoice/list/", "/Invoice/list?page_size=3"):
            client.get(path)
        for path in (f"/subscription/editactivation/{vm.pk}", "/subscription/editactivation/987654/"):
            client.put(path, {"isactive": 0}, format="json")

    editactivation = "/subscription/editactivation/<int:subid>/"
    assert counted(Client(), ask) == {
        ("/invoice/list", "GET", "200"): 3,
        (editactivation, "PUT", "200"): 1,
        (editactivation, "PUT", "404"): 1,
    }


def test_what_has_no_endpoint_is_one_and_so_is_a_method_that_somebody_made_up(db, client, production):
    def ask() -> None:
        for path in ("/x", "/secret/ada", "/static/none.js"):
            client.get(path)
        client.get("/invoice/list", HTTP_HOST="a-foreign-name.example")
        client.generic("POST", "/customer/login/", "x" * 1_100_000)
        for method in ("BREW", "TRACE"):
            client.generic(method, "/invoice/list")

    assert counted(client, ask) == {
        ("none", "GET", "404"): 3,
        ("none", "GET", "400"): 1,
        ("none", "POST", "413"): 1,
        ("/invoice/list", "other", "401"): 2,
    }


def test_probes_and_scrapes_are_not_counted(db, client, production):
    assert counted(client, lambda: [client.get(path) for path in ("/healthz", "/readyz", "/healthz/")]) == {}


def test_a_request_that_fails_is_counted_as_one_that_failed(make_customer, client_of, production, monkeypatch):
    ada = make_customer("ada")
    monkeypatch.setattr(subscriptions, "create", lambda **_: 1 / 0)
    client = APIClient(raise_request_exception=False)
    client.credentials(**client_of(ada)._credentials)
    ask = partial(client.post, "/subscription/create/", {"name": "VM", "price": 1}, format="json")
    assert counted(Client(), ask) == {("/subscription/create/", "POST", "500"): 1}


def test_how_long_they_took_is_counted_beside_them(db, client, production):
    name = "http_request_duration_seconds"

    def durations() -> dict[str, float]:
        text = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        of = {"endpoint": "/customer/login/", "method": "POST"}
        return {
            sample.labels.get("le", sample.name): sample.value
            for sample in samples
            if sample.name.startswith(name) and of.items() <= sample.labels.items()
        }

    before = durations()
    client.post("/customer/login/", {"username": "ada", "password": PASSWORD})
    after = durations()
    assert after[f"{name}_count"] - before.get(f"{name}_count", 0) == 1
    assert after["+Inf"] - before.get("+Inf", 0) == 1
    assert after[f"{name}_sum"] > before.get(f"{name}_sum", 0)


@pytest.mark.once
@pytest.mark.parametrize("given", ["secret", "secret and with spaces in it", "secret-é-0123456789-0123456789"])
def test_a_token_that_nobody_can_send_or_everybody_can_guess_is_refused(given):
    done = servers.manage("check", METRICS_TOKEN=given)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "METRICS_TOKEN makes no sense: it takes 20 or more letters" in line
    assert "secret" not in line
