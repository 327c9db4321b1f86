"""The log: one form for whoever says it, and never a secret."""

import json
import logging
import re
import sys
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest
from django.test import RequestFactory

from subscription_task import logs
from tests import brokers, servers
from tests.fixtures import PASSWORD

TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoiMSJ9.c2lnbmF0dXJlc2lnbmF0dXJl"
KEY = servers.PRODUCTION["DJANGO_SECRET_KEY"]


# --- no secret ----------------------------------------------------------------------------------

SECRET = "hunter2-is-it"
TELLING = {
    "a token": f"bad token {TOKEN}",
    "a token cut off": f"bad token {TOKEN[:60]}",
    "a header": f"Authorization: Bearer {SECRET}",
    "headers as Python shows them": f"{{'HTTP_AUTHORIZATION': 'Token {SECRET}', 'HTTP_COOKIE': 'a={SECRET}'}}",
    "basic": f"got Basic {SECRET}",
    "a body": f'{{"username": "ada", "password": "{SECRET} with words"}}',
    "a body in a text": json.dumps(f'{{"password": "{SECRET} {SECRET}", "x": 1}}'),
    "a body as Python shows it": f"{{'password1': '{SECRET} {SECRET}'}}",
    "a form": f"username=ada&password={SECRET}&x=1",
    "a query": f"/api/docs/?access_token={SECRET}&x=1",
    "a refresh": f'{{"refresh": "{SECRET}"}}',
    "cookies": f"Cookie: sessionid={SECRET}; csrftoken={SECRET}",
    "a database": f"cannot reach postgres://ada:{SECRET}@db.example:5432/billing",
    "a database without a user": f"cannot reach redis://:{SECRET}@broker.example:6379/0",
    "a broker": f"cannot reach amqps://ada:{SECRET}/with@signs@broker.example/billing",
    "what libpq takes": f"host=db user=ada password={SECRET} dbname=billing",
    "a setting": f"DJANGO_SECRET_KEY={SECRET}",
    "a setting as Python shows it": f"SECRET_KEY = '{SECRET}'",
    "the environment": f"{{'PGPASSWORD': '{SECRET}', 'AWS_API_KEY': '{SECRET}'}}",
    "a hash": f"Failing row contains (1, argon2$argon2id$v=19$m=102400,t=2,p=8${SECRET}${SECRET}, null)",
    "an older hash": f"pbkdf2_sha256$1000000${SECRET}$hash",
}


@pytest.mark.once
@pytest.mark.parametrize("telling", TELLING)
def test_no_line_tells(telling, lines):
    text = TELLING[telling]
    logging.getLogger("somebody").warning("%s", text)
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("somebody").exception("failed")
    said = json.dumps(lines())
    assert len(lines()) == 2
    assert SECRET not in said
    assert TOKEN[37:60] not in said
    assert logs.HIDDEN in said


@pytest.mark.once
@pytest.mark.parametrize(
    "text",
    [
        "A scheduler runs in process 7",
        "Account 7 is set aside: ValueError: the job of subscription 3 stands behind its invoices",
        "A pass failed; trying again every second",
        "The broker is away: OperationalError: [Errno 111] Connection refused",
        'connection to server at "127.0.0.1", port 5432 failed: Connection refused',
        'password authentication failed for user "billing"',
        "Listening at: http://127.0.0.1:8000 (7)",
        "cannot reach postgres://db.example:5432/billing",
        "Applying sessions.0001_initial",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text):
    assert logs.redacted(text) == text


@pytest.mark.once
@pytest.mark.parametrize("room", [20, 10, 5, 3])
@pytest.mark.parametrize("head", ["postgres://ada:", "password=", "Bearer "])
def test_what_is_too_long_is_cut_off_and_a_secret_at_the_cut_is_hidden(head, room):
    text = " " * (logs.MOST - len(head) - room) + head + "hunter2-is-it-and-on@db.example"
    said = logs.redacted(text)
    assert len(said) <= logs.MOST + len(logs.HIDDEN) + 1
    assert "hun" not in said


@pytest.mark.once
def test_a_line_shows_none_of_the_objects_that_come_with_it(lines):
    said = {"request": RequestFactory().get("/"), "password": SECRET, "status": 200, "path": f"/x?token={SECRET}"}
    logging.getLogger("somebody").warning("hello", extra=said)
    (line,) = lines()
    assert line["status"] == 200
    assert set(line) == {"event", "level", "logger", "process", "timestamp", "status", "path"}
    assert SECRET not in json.dumps(line)


@pytest.mark.once
def test_a_path_cannot_forge_a_line():
    said = logs.formatter(readable=True).format(
        logging.LogRecord("x", logging.INFO, "x", 1, "GET /a\nb\x1b[31m\x9b failed", (), None)
    )
    assert len(said.splitlines()) == 1
    assert "\x1b[31m" not in said
    assert "\x9b" not in said


class Visitor:
    """Somebody with cookies, who says everything that must not be repeated."""

    def __init__(self, server):
        self.url = server.url
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        self.ids = []

    def ask(self, method, path, body=None, form=None, token="", **headers):
        data = urlencode(form).encode() if form else json.dumps(body).encode() if body else None
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        headers |= {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            answer = self._opener.open(Request(self.url + path, data, headers, method=method))
        except HTTPError as error:
            answer = error
        with answer:
            self.ids.append(answer.headers["X-Request-ID"])
            return answer.status, answer.read().decode()


@pytest.mark.parametrize("kind", ["gunicorn", pytest.param("runserver", marks=pytest.mark.once)])
def test_a_server_that_hears_all_secrets_repeats_none(kind):
    wrong, operators, session = "wrong-horse-battery", "operators-horse", "stolen-session"
    with servers.database() as url, servers.Server(kind, DATABASE_URL=url, SCHEDULER="off") as server:
        servers.manage(
            "createsuperuser",
            *("--noinput", "--username", "boss", "--email", "boss@example.org"),
            DATABASE_URL=url,
            DJANGO_SUPERUSER_PASSWORD=operators,
        )
        visitor = Visitor(server)
        ask = visitor.ask
        ada = {"username": "ada", "password": PASSWORD}
        assert ask("POST", "/customer/register/", ada)[0] == 201
        status, answer = ask("POST", "/customer/login/", ada)
        tokens = json.loads(answer)
        assert status == 200
        assert ask("POST", "/customer/login/", form=ada)[0] == 200
        assert ask("POST", "/customer/login/", ada | {"password": wrong})[0] == 401
        assert ask("POST", "/customer/login/", ada | {"password": [wrong]})[0] == 400
        for path in (f"/customer/login/?password={wrong}", f"/customer/login/{wrong}?token={tokens['access']}"):
            ask("POST", path, ada)
        assert ask("POST", "/customer/token/refresh/", {"refresh": tokens["refresh"]})[0] == 200
        assert ask("POST", "/customer/token/refresh/", {"refresh": tokens["access"]})[0] == 401
        assert ask("GET", f"/invoice/list?token={tokens['access']}", token=tokens["access"])[0] == 200
        assert ask("GET", "/invoice/list", token=tokens["access"][:-3])[0] == 401
        assert ask("GET", f"/{tokens['access']}", token=tokens["access"])[0] == 404
        assert ask("GET", "/admin/", Cookie=f"sessionid={session}")[0] == 200
        for said in (wrong, operators):
            csrf = re.search(r'csrfmiddlewaretoken" value="(\w+)"', ask("GET", "/admin/login/")[1])[1]
            form = {"username": "boss", "password": said, "csrfmiddlewaretoken": csrf, "next": "/admin/"}
            status, page = ask("POST", "/admin/login/?next=/admin/", form=form)
        assert status == 200
        assert "boss" in page
        assert ask("POST", "/admin/login/", form={"username": "boss", "password": operators})[0] == 403
        with_no_account(url)
        assert ask("PUT", "/customer/increasecredit/", {"credit": 5}, token=tokens["access"])[0] == 500
        assert ask("GET", "/invoice/statistics", token=tokens["access"])[0] == 500
        server.end()
        output = server.output
    assert all(visitor.ids)
    assert len(set(visitor.ids)) == len(visitor.ids)
    for each in visitor.ids:
        assert each in output
    assert "Traceback" in output
    key = servers.ROOT.joinpath(".secret_key").read_text().strip() if kind == "runserver" else KEY
    for secret in (PASSWORD, wrong, operators, session, key, csrf, *tokens.values(), "eyJ", "argon2$argon2id"):
        assert secret not in output.replace(f"/customer/login/{wrong}", ""), secret  # a path is not a secret
    if kind == "gunicorn":
        found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        assert {"gunicorn.error", "subscription_task.errors", "subscription_task.http.requests"} <= {
            line["logger"] for line in found
        }
        stray = [line for line in output.splitlines() if line and not line.startswith("{")]
        assert stray == []


def with_no_account(url):
    """Breaks the books, for a 500."""
    connection = servers.connect(url)
    if url.startswith("postgres"):
        connection.execute("ALTER TABLE customer_account DISABLE TRIGGER ALL")
    connection.execute("DELETE FROM customer_account")
    connection.commit()
    connection.close()


def test_a_command_that_cannot_reach_its_database_does_not_tell_the_password():
    done = servers.manage("check_billing", DATABASE_URL=f"postgres://ada:{SECRET}@127.0.0.1:1/billing")
    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr
    assert SECRET not in done.stdout + done.stderr


# --- one form -----------------------------------------------------------------------------------


def test_a_scheduler_of_production_says_it_in_json():
    with (
        servers.database() as url,
        servers.Process([*servers.MANAGE, "runscheduler"], **servers.PRODUCTION, DATABASE_URL=url) as scheduler,
    ):
        scheduler.says("A scheduler runs in process")
        scheduler.says("Billing.")
        scheduler.end()
        (line,) = [json.loads(line) for line in scheduler.output.splitlines() if line.startswith("{")]
    assert line["event"] == f"A scheduler runs in process {line['process']}"
    assert line["logger"] == "invoice.schedulers"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.once
@pytest.mark.parametrize("broker", brokers.URLS)
def test_a_worker_of_production_says_it_in_json(broker):
    with brokers.queue(broker) as engine, servers.database("") as url:
        command = [sys.executable, "-m", *brokers.WORKER.split(), "--concurrency", "1"]
        with servers.Process(command, **servers.PRODUCTION, **engine, DATABASE_URL=url) as worker:
            worker.says(" ready.")
            worker.popen.terminate()
            worker.popen.wait(servers.PATIENCE)
            found = [json.loads(line) for line in worker.output.splitlines() if line.startswith("{")]
    assert any(line["event"].endswith(" ready.") for line in found)
    assert all(line["logger"].startswith("celery.") for line in found)
