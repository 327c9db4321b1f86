"""How often one may ask: docs/limits.md, at the edges, over processes, and where counting itself fails."""

import re
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.db import connection
from django.urls import reverse
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from customer import customers, limits, request_counters, request_stores
from customer.limits import ADDRESS, CUSTOMER, FORECAST, REGISTRATION, Limit
from subscription import subscriptions
from subscription_task import documents
from tests import servers, test_queries
from tests.fixtures import PASSWORD, is_postgresql

HOME, CAFE = "192.0.2.1", "198.51.100.1"
POLICY = re.compile(r'"([a-z]+)";q=([0-9]+);w=([1-9][0-9]*)')
STANDING = re.compile(r'"([a-z]+)";r=([0-9]+);t=([1-9][0-9]*)')
"""Lists of one string with integers, after RFC 9651."""


class Clock:
    now = 1_900_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The time of stores and processes, which stands still."""
    clock = Clock()
    monkeypatch.setattr(request_counters, "now", clock)
    monkeypatch.setattr(request_counters, "monotonic", clock)
    return clock


@pytest.fixture
def limited(limits_on, clock, monkeypatch):
    """Small limits: of a customer's 5 requests, of 2 forecasts, of 4 from an address, of 3 registrations."""
    monkeypatch.setattr(limits, "CUSTOMER", Limit("customer", 5, 60))
    monkeypatch.setitem(limits.WITH_A_TOKEN, "forecast", Limit("forecast", 2, 60))
    monkeypatch.setattr(limits, "ADDRESS", address := Limit("address", 4, 60))
    monkeypatch.setitem(limits.FROM_A_PLACE, "token-refresh", address)
    monkeypatch.setitem(limits.FROM_A_PLACE, "register", Limit("registration", 3, 3600))
    # The schema tells of these limits, and is kept once it is written: not the one that tells of such small ones.
    monkeypatch.setattr(documents, "_written", documents._written.__wrapped__)


@pytest.fixture
def ada(limited, make_customer):
    return make_customer("ada")


def counters(columns="hits"):
    """What the store holds."""
    statement = f"SELECT {columns} FROM customer_requestcounter ORDER BY until"
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    if not Path(request_stores.beside()).exists():
        return []
    with closing(sqlite3.connect(request_stores.beside())) as file:
        return file.execute(statement).fetchall()


def ask(client=None, path="/invoice/statistics", address=HOME, method="GET", body=None, **extra):
    return (client or APIClient()).generic(
        method, path, body or "", content_type="application/json", REMOTE_ADDR=address, **extra
    )


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def standing(answer):
    """What the headers say: the limit's name, q, w, r, t."""
    name, quota, window = POLICY.fullmatch(answer["RateLimit-Policy"]).groups()
    same, left, seconds = STANDING.fullmatch(answer["RateLimit"]).groups()
    assert name == same
    return name, int(quota), int(window), int(left), int(seconds)


def test_a_window_from_its_first_request_to_the_next_one(ada, client_of, clock):
    client = client_of(ada)
    seen = []
    for seconds in (0, 0.5, 20, 30, 9):
        clock.now += seconds
        answer = ask(client)
        assert (answer.status_code, answer.has_header("Retry-After")) == (200, False)
        seen.append(standing(answer)[3:])
    assert seen == [(4, 60), (3, 60), (2, 40), (1, 10), (0, 1)]

    answer = ask(client)  # the sixth, half a second before the end
    assert (answer.status_code, standing(answer), answer["Retry-After"]) == (429, ("customer", 5, 60, 0, 1), "1")
    clock.now += 0.49
    assert ask(client).status_code == 429
    clock.now += 0.01
    answer = ask(client)
    assert (answer.status_code, standing(answer)) == (200, ("customer", 5, 60, 4, 60))


def test_a_refusal_says_when_to_come_back_in_the_form_of_all_errors(ada, client_of, clock):
    client = client_of(ada)
    for _ in range(5):
        ask(client)
    clock.now += 17.2
    request_counters._spent.clear()
    for _ in range(2):  # by the store, and by what the process remembers
        answer = ask(client)
        assert answer.status_code == 429
        assert answer["Content-Type"] == "application/json"
        assert answer.json() == {"detail": "Request was throttled. Expected available in 43 seconds."}
        assert answer["Retry-After"] == "43"
        assert standing(answer) == ("customer", 5, 60, 0, 43)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/invoice/statistics", 200),
        ("PUT", "/customer/increasecredit/", 400),
        ("GET", "/subscription/987654321/", 404),
        ("DELETE", "/Invoice/list/", 405),
        ("OPTIONS", "/invoice/list", 200),
        ("HEAD", "/invoice/list", 200),
    ],
)
def test_whatever_is_answered_counts_and_says_so(ada, client_of, method, path, status):
    answer = ask(client_of(ada), path, method=method)
    assert (answer.status_code, standing(answer)) == (status, ("customer", 5, 60, 4, 60))


def test_a_customer_is_one_customer_from_everywhere_and_with_every_token(ada, client_of):
    for number in range(5):
        assert ask(client_of(ada), address=f"203.0.113.{number}").status_code == 200
    assert ask(client_of(ada), address=HOME).status_code == 429


def test_one_customers_flood_touches_neither_another_customer_nor_the_address(ada, client_of, make_customer):
    grace = make_customer("grace")
    for _ in range(20):
        ask(client_of(ada))
    answer = ask(client_of(grace))
    assert (answer.status_code, standing(answer)[3]) == (200, 4)
    answer = ask()
    assert (answer.status_code, standing(answer)) == (401, ("address", 4, 60, 3, 60))


def test_a_flood_from_an_address_touches_neither_other_addresses_nor_customers_who_have_a_token(ada, client_of):
    assert [ask().status_code for _ in range(6)] == [401] * 4 + [429] * 2
    assert ask(address=CAFE).status_code == 401
    assert ask(client_of(ada)).status_code == 200


@pytest.mark.parametrize("token", ["x", "", "x y", "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMSJ9."])
def test_a_flood_with_bad_tokens_is_one_from_its_address(limited, token):
    statuses = [ask(**bearer(token)).status_code for _ in range(6)]
    assert statuses == [401] * 4 + [429] * 2
    assert ask(address=CAFE, **bearer(token)).status_code == 401


def test_a_token_that_was_revoked_spends_nothing_of_its_customers(ada, client_of):
    stolen = AccessToken.for_user(ada)
    customers.change_password(ada, old=PASSWORD, new="another horse")
    assert [ask(**bearer(stolen)).status_code for _ in range(6)] == [401] * 4 + [429] * 2
    ada.refresh_from_db()
    assert standing(ask(client_of(ada)))[3] == 4


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1:4711", "192.0.2.1", True),
        ("[2001:db8::1]:4711", "2001:db8::2", True),
    ],
)
def test_an_address_of_ipv6_counts_with_its_64_and_no_port_counts(limited, first, second, same):
    for _ in range(4):
        ask(address=first)
    assert ask(address=second).status_code == (429 if same else 401)


def test_behind_a_proxy_the_address_that_it_adds_counts(limited, monkeypatch):
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)
    for number in range(4):
        ask(HTTP_X_FORWARDED_FOR=f"192.0.2.{number}, 198.51.100.1")
    assert ask(HTTP_X_FORWARDED_FOR="192.0.2.9, 198.51.100.1").status_code == 429
    assert ask(HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.1").status_code == 401


def test_forecasts_and_registrations_count_by_themselves(ada, client_of, clock):
    client = client_of(ada)
    answers = [ask(client, "/invoice/forecast") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert {standing(answer)[:3] for answer in answers} == {("forecast", 2, 60)}
    assert standing(ask(client))[3] == 4
    answers = [ask(client, "/customer/register/", method="POST", body="{}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
    assert {standing(answer)[:3] for answer in answers} == {("registration", 3, 3600)}
    assert answers[-1]["Retry-After"] == "3600"
    assert standing(ask())[3] == 3
    assert standing(ask(client, "/customer/token/refresh/", method="POST", body="{}"))[0::3] == ("address", 2)


def test_a_forecast_without_a_token_counts_for_its_address(limited):
    assert standing(ask(path="/invoice/forecast"))[0] == "address"


def test_logins_are_not_limited_by_their_number(ada):
    body = f'{{"username": "ada", "password": "{PASSWORD}"}}'
    answers = [ask(path="/customer/login/", method="POST", body=body) for _ in range(20)]
    assert {(answer.status_code, answer.has_header("RateLimit")) for answer in answers} == {(200, False)}
    assert counters() == []


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/admin/login/", "/", "/api/schema/", "/api/docs/"],
)
def test_what_is_none_of_the_apis_is_not_limited(limited, settings, path):
    settings.METRICS_TOKEN = "m" * 20  # else there is no such path
    answer = ask(path=path, address="127.0.0.1")
    assert not answer.has_header("RateLimit")
    assert not answer.has_header("RateLimit-Policy")
    assert counters() == []


def test_a_flood_of_paths_that_there_are_not_is_one_from_its_address(ada, client_of):
    answers = [ask(client_of(ada), path=f"/no-such-path/{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 4 + [429] * 2
    assert {standing(answer)[:3] for answer in answers} == {("address", 4, 60)}
    assert [answer["Retry-After"] for answer in answers[4:]] == ["60"] * 2
    assert ask().status_code == 429
    assert ask(path="/no-such-path", address=CAFE).status_code == 404
    assert standing(ask(client_of(ada)))[3] == 4


def test_where_limits_are_off_there_is_no_header_and_no_counter(ada, client_of, settings):
    settings.RATE_LIMITS = False
    for client in [client_of(ada), APIClient()]:
        answers = [ask(client) for _ in range(10)]
        assert 429 not in {answer.status_code for answer in answers}
        assert not any("ratelimit" in name.lower() for answer in answers for name in answer.headers)
    assert counters() == []


def test_who_is_known_to_be_spent_is_refused_without_a_question(ada, client_of, monkeypatch, django_assert_num_queries):
    for _ in range(5):
        ask(client_of(ada))
        ask()
    monkeypatch.setattr(request_stores, "count", None)
    with django_assert_num_queries(0):
        assert ask(client_of(ada)).status_code == 429
        assert ask().status_code == 429


def test_to_count_a_request_is_one_statement_on_postgresql_and_none_on_sqlite(
    limits_on, clock, make_customer, client_of
):
    ada = make_customer("ada", credit=100_000)
    subscriptions.create(customer=ada, name="VM", price=5, isactive=True, by=ada)
    client = client_of(ada)
    for path in ("/invoice/list", "/invoice/forecast", "/customer/register/", "/customer/token/refresh/"):
        client.get(path)  # a window's beginning looks for what has expired, too
    one = int(is_postgresql())
    counted = {name: number + (one if name != "login" else 0) for name, number in test_queries.pinned().items()}
    assert test_queries.sent(client, ada) == counted


def test_a_process_remembers_so_many_spent_keys_and_no_more(limited, monkeypatch):
    monkeypatch.setattr(request_counters, "REMEMBERED", 3)
    for number in range(10):
        for _ in range(6):
            status = ask(address=f"203.0.113.{number}").status_code
        assert status == 429
        assert len(request_counters._spent) <= 3
    assert ask(address="203.0.113.0").status_code == 429  # forgotten, and asked for


def test_a_refusal_is_logged_with_its_customer(ada, client_of, lines):
    for _ in range(7):
        ask(client_of(ada))
    said = [line["customer"] for line in lines() if line.get("status") == 429]
    assert said == [ada.pk, ada.pk]


def test_counters_that_have_expired_are_removed(limited, clock):
    for number in range(30):
        ask(address=f"203.0.113.{number}")
    clock.now += 60
    for number in range(2):
        ask(address=f"198.51.100.{number}")
    assert counters("until") == [(clock.now + 60,)] * 2


def test_a_window_that_a_wrong_clock_put_far_ahead_begins_anew(limited, clock):
    clock.now += 86_400
    for _ in range(6):
        ask()
    clock.now -= 86_400
    request_counters._spent.clear()
    assert standing(ask())[3:] == (3, 60)


def test_the_table_says_neither_who_nor_from_where(ada, client_of):
    ask(client_of(ada))
    ask()
    keys = [key for (key,) in counters("key")]
    assert len(keys) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


@pytest.mark.parametrize("address", ["", "\x00", "x" * 9000, "é\udcff", "fe80::1%eth0"])
def test_an_address_that_is_none_is_limited_all_the_same(limited, address):
    assert [ask(address=address).status_code for _ in range(5)] == [401] * 4 + [429]


@pytest.mark.django_db(transaction=True)
def test_where_requests_cannot_be_counted_they_are_answered_and_the_log_says_so(limited, lines):
    broken = "ALTER TABLE customer_requestcounter RENAME TO elsewhere"
    mended = "ALTER TABLE elsewhere RENAME TO customer_requestcounter"
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(broken)
    else:
        Path(request_stores.beside()).mkdir()
    try:
        for _ in range(6):
            answer = ask()
            assert (answer.status_code, answer.has_header("RateLimit")) == (401, False)
    finally:
        if is_postgresql():
            with connection.cursor() as cursor:
                cursor.execute(mended)
        else:
            Path(request_stores.beside()).rmdir()
    assert sum("requests are not counted" in line["event"] for line in lines()) == 6
    assert standing(ask())[3] == 3


def test_a_file_of_counters_that_the_power_cut_damaged_is_made_anew(limited):
    if is_postgresql():
        pytest.skip("PostgreSQL empties an unlogged table by itself")
    ask()
    request_stores._file.remove(request_stores.beside())
    Path(request_stores.beside()).write_bytes(b"no database" * 1000)
    assert standing(ask())[3] == 3
    assert standing(ask())[3] == 2


def test_a_process_waits_for_another_that_makes_the_file_of_counters(limited, monkeypatch):
    if is_postgresql():
        pytest.skip("PostgreSQL has no such file")
    with closing(sqlite3.connect(request_stores.beside(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waited = []

        def sleep(seconds):
            waited.append(seconds)
            other.rollback()

        monkeypatch.setattr(request_stores.time, "sleep", sleep)
        assert standing(ask())[3] == 3
        assert len(waited) == 1


@pytest.mark.django_db(transaction=True)
def test_many_connections_at_once_are_let_through_exactly_as_often_as_the_limit_says(limited):
    at_once, each = 8, 40

    def count(_):
        """As a process of its own would: with its own connection, and nothing remembered."""
        file = request_stores._File()
        run = request_stores._in_the_database if is_postgresql() else file.run
        try:
            return [run(key="k", seconds=60, at=None)[0] for _ in range(each)]
        finally:
            connection.close()
            file.close()

    with ThreadPoolExecutor(at_once) as pool:
        numbers = [number for found in pool.map(count, range(at_once)) for number in found]
    assert sorted(numbers) == list(range(1, at_once * each + 1))


# --- real processes -----------------------------------------------------------------------------


def test_two_servers_with_two_processes_each_let_through_exactly_as_many_as_the_limit_says():
    with (
        servers.database() as url,
        servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as one,
        servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as other,
        ThreadPoolExecutor(8) as pool,
    ):
        asked = pool.map(
            lambda number: (one, other)[number % 2].call("POST", "/customer/token/refresh/", {"refresh": "x"}),
            range(2 * ADDRESS.quota),
        )
        answers = list(asked)
        assert Counter(status for status, _ in answers) == {401: ADDRESS.quota, 429: ADDRESS.quota}
        assert {tuple(answer) for status, answer in answers if status == 429} == {("detail",)}
        for server in (one, other):
            assert server.call("GET", "/healthz")[0] == 200
            with urlopen(f"{server.url}/healthz", timeout=servers.PATIENCE) as answer:
                assert "RateLimit" not in answer.headers


@pytest.mark.once
def test_a_read_waits_for_no_writer_though_it_is_counted():
    with (
        servers.database("") as url,
        servers.Server("gunicorn", DATABASE_URL=url, SCHEDULER="off") as server,
        closing(servers.connect(url)) as billing,
    ):
        said = {"username": "ada", "password": PASSWORD}
        assert server.call("POST", "/customer/register/", said)[0] == 201
        token = server.call("POST", "/customer/login/", said)[1]["access"]
        billing.execute("BEGIN IMMEDIATE")  # nobody else writes until it ends
        for _ in range(3):
            assert server.call("GET", "/invoice/statistics", token=token)[0] == 200
        billing.rollback()
        file = url.removeprefix("sqlite:///") + "-limits"
        assert servers.rows(f"sqlite:///{file}", "SELECT MAX(hits) FROM customer_requestcounter") == [(3,)]


# --- documents ----------------------------------------------------------------------------------


def test_the_table_of_limits_says_what_is_so():
    document = servers.ROOT.joinpath("docs/limits.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) s \|", document, re.MULTILINE)
    said = [(name, int(quota.replace(",", "")), int(seconds.replace(",", ""))) for name, quota, seconds in rows]
    assert said == [(each.name, each.quota, each.seconds) for each in (CUSTOMER, FORECAST, ADDRESS, REGISTRATION)]


def test_the_table_of_limits_names_the_paths_that_have_one():
    document = servers.ROOT.joinpath("docs/limits.md").read_text("utf-8")
    said = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", document, re.MULTILINE))
    of_its_own = limits.WITH_A_TOKEN | limits.FROM_A_PLACE
    for name, words in said.items():
        paths = {reverse(route) for route, limit in of_its_own.items() if limit.name == name}
        assert set(re.findall("`(/[^`]*)`", words)) == paths


def test_the_samples_of_limits_show_a_limit_that_there_is():
    document = servers.ROOT.joinpath("docs/limits.md").read_text("utf-8")
    policies = POLICY.findall(document)
    assert len(policies) > 1
    assert set(policies) == {(CUSTOMER.name, str(CUSTOMER.quota), str(CUSTOMER.seconds))}


def test_the_routes_that_have_a_limit_of_their_own_exist():
    for route in [*limits.WITH_A_TOKEN, *limits.FROM_A_PLACE, *limits.APART]:
        assert reverse(route)
