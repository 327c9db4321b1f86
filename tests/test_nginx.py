"""deploy/nginx before the service: a real nginx, with TLS, and a real gunicorn behind its socket."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPSHandler, ProxyHandler, Request, build_opener

import pytest

from tests import servers

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
FOLDER = servers.ROOT / "deploy/nginx"
MAIN = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    {temporary}
    include {folder}/*.conf;
}}
"""
SETTINGS = servers.PRODUCTION | {"DJANGO_HTTPS": "on", "TRUSTED_PROXIES": "1", "SCHEDULER": "off"}
OPERATOR = {"username": "ada", "password": "correct horse"}

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="wants sockets and signals"),
    pytest.mark.skipif(not NGINX, reason="wants nginx: apt-get install nginx-light"),
    pytest.mark.skipif(not shutil.which("openssl"), reason="wants openssl: apt-get install openssl"),
]


@dataclass(frozen=True, kw_only=True)
class Site:
    """An nginx that answers on two ports of loopback, and the gunicorn behind it."""

    http: int
    https: int
    trust: ssl.SSLContext
    socket: Path
    gunicorn: servers.Process
    database: str

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] = b"",
        *,
        sent_from: str = "127.0.0.1",
        **headers: str,
    ) -> tuple[int, bytes, dict[str, str]]:
        """One request over TLS, from an address of loopback: status, body and headers of the answer."""
        connection = http.client.HTTPSConnection(
            "localhost", self.https, timeout=servers.PATIENCE, source_address=(sent_from, 0), context=self.trust
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Content-Type": "application/json"} | named)
        answer = connection.getresponse()
        found = answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("nginx")) as found:
        yield found


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """A site whose files are in `folder`, on a database with an operator."""
    ports = servers.free_port(), servers.free_port()
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "privkey.pem", "-out", "fullchain.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    for name in ("billing.conf", "upstream-systemd.conf"):
        text = FOLDER.joinpath(name).read_text("utf-8").replace("/etc/nginx/tls", str(folder))
        text = text.replace("/run/billing.sock", str(folder / "web.sock"))
        for port, ours in zip((80, 443), ports, strict=True):
            text = text.replace(f"listen {port} ", f"listen 127.0.0.1:{ours} ")
            text = text.replace(f"listen [::]:{port} ", f"listen [::1]:{ours} ")
        folder.joinpath(name).write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "" if os.geteuid() else "user root;"  # another could not look into a test's folder
    main = folder / "main"
    main.write_text(MAIN.format(folder=folder, temporary=temporary, user=user))
    gunicorn = [sys.executable, "-m", "gunicorn", "subscription_task.wsgi", "--bind", f"unix:{folder}/web.sock"]
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        servers.collect_static()
        operator = {f"DJANGO_SUPERUSER_{name.upper()}": value for name, value in OPERATOR.items()}
        made = servers.manage("createsuperuser", "--noinput", "--email", "", DATABASE_URL=url, **operator)
        assert made.returncode == 0, made.stderr
        process = stack.enter_context(servers.Process(gunicorn, DATABASE_URL=url, WEB_CONCURRENCY="6", **SETTINGS))
        nginx = stack.enter_context(servers.Process([NGINX, "-p", str(folder), "-c", str(main)]))
        trust = ssl.create_default_context(cafile=folder / "fullchain.pem")
        found = Site(
            http=ports[0], https=ports[1], trust=trust, socket=folder / "web.sock", gunicorn=process, database=url
        )
        servers.until(lambda: answers(found, process, nginx), "nginx and gunicorn to answer")
        yield found


def answers(site: Site, *processes: servers.Process) -> bool:
    for process in processes:
        assert process.popen.poll() is None, process.output
    try:
        return site.ask("GET", "/readyz")[0] == 200
    except OSError:
        return False


def test_plain_http_is_sent_to_https(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=servers.PATIENCE)
    connection.request("PUT", "/customer/increasecredit/?a=b", b"{}", {"Host": "billing.example"})
    answer = connection.getresponse()
    assert answer.status == 308  # which keeps the method and the body
    assert answer.getheader("Location") == "https://billing.example/customer/increasecredit/?a=b"
    connection.close()


def test_clients_of_ipv6_are_answered_too(site):
    connection = http.client.HTTPSConnection("::1", site.https, timeout=servers.PATIENCE, context=site.trust)
    connection.sock = site.trust.wrap_socket(socket.create_connection(("::1", site.https)), server_hostname="localhost")
    connection.request("GET", "/", headers={"Host": f"localhost:{site.https}"})
    answer = connection.getresponse()
    assert answer.status == 200
    assert json.loads(answer.read())["admin"] == f"{site.url}/admin/"
    connection.close()
    plain = http.client.HTTPConnection("::1", site.http, timeout=servers.PATIENCE)
    plain.request("GET", "/a", headers={"Host": "billing.example"})
    assert plain.getresponse().getheader("Location") == "https://billing.example/a"
    plain.close()


def test_a_customer_registers_over_tls_and_is_told_addresses_with_https(site):
    body = json.dumps({"username": "bob", "password": "correct horse", "credit": 1000}).encode()
    assert site.ask("POST", "/customer/register/", body)[0] == 201
    access = json.loads(site.ask("POST", "/customer/login/", body)[1])["access"]
    bearer = {"Authorization": f"Bearer {access}"}
    for name in ("one", "two"):
        made = site.ask("POST", "/subscription/create", json.dumps({"name": name, "price": 1}).encode(), **bearer)
        assert made[0] == 201
    status, listed, headers = site.ask("GET", "/subscription/list?page_size=1", **bearer)
    assert status == 200
    assert json.loads(listed)["next"].startswith(f"{site.url}/subscription/list?")
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["server"] == "nginx"


def test_the_service_counts_failed_logins_by_the_address_that_nginx_saw(site):
    body = json.dumps({"username": "nobody", "password": "wrong"}).encode()

    def log_in(number: int, sent_from: str) -> int:
        invented = f"10.0.0.{number}"
        claims = {"X_Forwarded_For": invented, "Forwarded": f"for={invented}", "X_Real_IP": invented}
        return site.ask("POST", "/customer/login/", body, sent_from=sent_from, **claims)[0]

    found = [log_in(number, "127.0.0.1") for number in range(25)]
    assert found[0] == 401
    assert 429 in found, "who invents an address for each try is not throttled"
    assert log_in(1, "127.0.0.2") == 401, "the addresses of clients do not arrive"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_one_mebibyte_is_413_in_json_and_one_of_just_that_arrives(site, chunked):
    def body(size: int) -> bytes | Iterator[bytes]:
        content = b'{"username": "' + b"a" * (size - 16) + b'"}'
        return iter([content[: size // 2], content[size // 2 :]]) if chunked else content

    status, said, headers = site.ask("POST", "/customer/register/", body(2**20))
    assert status == 400, said
    assert "password" in json.loads(said)
    status, said, headers = site.ask("POST", "/customer/register/", body(2**20 + 1))
    assert status == 413
    assert headers["content-type"] == "application/json"
    assert json.loads(said) == {"detail": "The request body is over 1 MiB."}


def test_an_operator_logs_in_to_the_admin_with_secure_cookies(site):
    cookies = CookieJar()
    browser = build_opener(ProxyHandler({}), HTTPSHandler(context=site.trust), HTTPCookieProcessor(cookies))
    login = f"{site.url}/admin/login/?next=/admin/"
    page = browser.open(login, timeout=servers.PATIENCE).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = urlencode(OPERATOR | {"csrfmiddlewaretoken": token, "next": "/admin/"}).encode()
    answer = browser.open(Request(login, form, {"Referer": login, "Origin": site.url}), timeout=servers.PATIENCE)
    assert answer.url == f"{site.url}/admin/"
    assert {cookie.name for cookie in cookies if cookie.secure} >= {"sessionid", "csrftoken"}
    assert all(cookie.secure for cookie in cookies)


def test_static_files_are_served(site):
    status, body, headers = site.ask("GET", "/static/admin/css/base.css")
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/css")
    assert body


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "/metrics/x", "/metrics?a=b", "//metrics", "/%6detrics", "/x/../metrics"]
)
def test_metrics_are_for_the_host_alone(site, path):
    status, body, headers = site.ask("GET", path)
    assert (status, json.loads(body)["detail"]) == (404, "Not found.")


def test_where_the_service_is_away_nginx_says_so_in_json(site):
    aside = site.socket.rename(site.socket.with_name("elsewhere"))
    try:
        status, body, headers = site.ask("GET", "/readyz")
    finally:
        aside.rename(site.socket)
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/json", "5")
    assert "detail" in json.loads(body)
