"""`/metrics` of a real server, read by a real Prometheus; its dashboard, its alerts and what is written of them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests import servers
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wants gunicorn and signals")

DEPLOY = servers.ROOT / "deploy"
ALERTS = yaml.safe_load(DEPLOY.joinpath("prometheus/alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
DASHBOARD = json.loads(DEPLOY.joinpath("grafana/billing.json").read_text("utf-8"))
SHOWN = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
DOCUMENT = servers.ROOT.joinpath("docs/watching.md").read_text("utf-8")
TOKEN = "a-token-of-a-test-0123456789"
CUSTOMER = {"username": "Ada-Lovelace", "password": PASSWORD, "credit": 1_000_000}
TYPES = {
    "http_requests": "counter",
    "http_request_duration_seconds": "histogram",
    "billing_database_up": "gauge",
    "billing_invoices": "counter",
    "billing_charged_amount": "counter",
    "billing_lag_seconds": "gauge",
    "billing_backlog_jobs": "gauge",
    "billing_pass_seconds": "histogram",
    "billing_pass_invoices": "counter",
    "billing_pass_failures": "counter",
    "billing_scheduler_up": "gauge",
    "billing_scheduler_last_pass_timestamp_seconds": "gauge",
    "billing_accounts_set_aside": "gauge",
    "billing_subscriptions": "gauge",
    "billing_expected_income_per_day": "gauge",
    "billing_sample_timestamp_seconds": "gauge",
    "billing_check_faults": "gauge",
    "billing_check_timestamp_seconds": "gauge",
}


class Service:
    """A web server of two workers that does not bill, and a scheduler beside it that does."""

    def __init__(self, url: str, server: servers.Server, scheduler: servers.Process) -> None:
        self.url, self.server, self.scheduler = url, server, scheduler
        assert server.call("POST", "/customer/register/", CUSTOMER)[0] == 201
        self.token = server.call("POST", "/customer/login/", CUSTOMER)[1]["access"]
        vm = {"name": "Analytical Engine", "price": 7}
        self.subscription = server.call("POST", "/subscription/create/", vm, self.token)[1]["id"]

    def ask(self, times: int) -> None:
        for _ in range(times):
            assert self.server.call("GET", "/invoice/list", token=self.token)[0] == 200

    def workers(self) -> list[int]:
        """The numbers of the two workers, once there are two."""
        children = Path(f"/proc/{self.server.popen.pid}/task/{self.server.popen.pid}/children")
        found = servers.until(lambda: len(numbers := children.read_text().split()) == 2 and numbers, "two workers")
        return [int(number) for number in found]

    @contextmanager
    def stopped(self, worker: int) -> Iterator[None]:
        """Has the other worker answer everything. This one must have let go of SQLite's file, and so of its locks."""
        servers.until(lambda: not self._holds_the_file(worker), "the last answer to be over")
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _holds_the_file(self, worker: int) -> bool:
        database = self.url.removeprefix("sqlite:///")
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                if os.readlink(descriptor) in (database, f"{database}-wal", f"{database}-shm"):
                    return True
        return False

    def scrape(self) -> str:
        return get(f"{self.server.url}/metrics", Authorization=f"Bearer {TOKEN}")

    def samples(self) -> dict[tuple, float]:
        """Every sample by its name and the values of its labels."""
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families(self.scrape())
            for sample in family.samples
        }


def get(url: str, **headers: str) -> str:
    with build_opener(ProxyHandler({})).open(Request(url, headers=headers), timeout=servers.PATIENCE) as answer:
        return answer.read().decode()


def families(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


@contextmanager
def running() -> Iterator[Service]:
    with servers.database() as url:
        settings = servers.PRODUCTION | {"DATABASE_URL": url, "INVOICE_PERIOD": "1", "METRICS_TOKEN": TOKEN}
        with (
            servers.Server("gunicorn", **settings, SCHEDULER="off") as server,
            servers.Process([*servers.MANAGE, "runscheduler"], **settings) as scheduler,
        ):
            yield Service(url, server, scheduler)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service that has billed something, taken a sample and recorded a check, and whose scheduler has said so."""
    with running() as service:
        assert servers.manage("check_billing", "--record", DATABASE_URL=service.url).returncode == 0
        servers.until(lambda: service.samples().keys() >= {("billing_subscriptions", "running")}, "a sample")
        passes = "billing_scheduler_last_pass_timestamp_seconds"
        servers.until(lambda: any(name[0] == passes for name in service.samples()), "a report of passes")
        yield service


def test_every_worker_tells_the_whole_truth_and_a_worker_that_is_killed_takes_none_of_it_along():
    with running() as service:
        servers.until(lambda: len(service.server.invoices(service.token)) >= 3, "three invoices")
        service.scheduler.end()
        (invoices,) = servers.rows(service.url, "SELECT count(*), sum(amount) FROM invoice_invoice")
        listed = ("http_requests_total", "/invoice/list", "GET", "200")
        before = service.samples()[listed]

        first, second = service.workers()
        with service.stopped(first):
            service.ask(3)
            told_by_second = service.samples()
        with service.stopped(second):
            service.ask(4)
            told_by_first = service.samples()
        assert (told_by_second[listed], told_by_first[listed]) == (before + 3, before + 7)

        os.kill(first, signal.SIGKILL)
        servers.until(lambda: first not in service.workers(), "a new worker")
        new = next(number for number in service.workers() if number != second)
        with service.stopped(second):
            service.ask(2)
            told_by_new = service.samples()
        with service.stopped(new):
            told_at_last = service.samples()
        assert told_by_new[listed] == told_at_last[listed] == before + 9
        for told in (told_by_first, told_by_second, told_by_new, told_at_last):
            assert (told["billing_invoices_total",], told["billing_charged_amount_total",]) == invoices


def test_names_and_types_are_the_ones_that_dashboards_rely_on(service):
    assert {family.name: family.type for family in families(service.scrape())} == TYPES


@pytest.mark.skipif(not shutil.which("promtool"), reason="wants promtool: apt-get install prometheus")
def test_prometheus_finds_nothing_to_say_against_its_form(service):
    done = subprocess.run(["promtool", "check", "metrics"], input=service.scrape(), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_label_names_a_customer_or_what_is_theirs(service):
    path = f"/subscription/editactivation/{service.subscription}/"
    assert service.server.call("PUT", path, {"isactive": 1}, service.token)[0] == 200
    for unknown in ("/Ada-Lovelace", "/customer/1815", "/invoice/list?page_size=Ada"):
        service.server.call("GET", unknown, token=service.token)
    text = service.scrape()
    labels = [sample.labels for family in families(text) for sample in family.samples]
    assert {name for each in labels for name in each} == {
        *("endpoint", "method", "status", "le"),
        *("host", "pid", "state"),
    }
    assert [word for word in ("Ada", "ada-", "Analytical", "1815") if word in text] == []
    endpoints = {each["endpoint"] for each in labels if "endpoint" in each}
    assert {"/subscription/editactivation/<int:subid>/", "none"} <= endpoints
    assert [endpoint for endpoint in endpoints if re.search(r"\d", endpoint)] == []


def test_where_the_database_is_away_it_tells_what_the_server_knows():
    away = f"postgres://nobody@127.0.0.1:{servers.free_port()}/none"
    with servers.Server("gunicorn", DATABASE_URL=away, SCHEDULER="off", METRICS_TOKEN=TOKEN) as server:
        assert server.call("POST", "/customer/login/", CUSTOMER)[0] == 500
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in families(get(f"{server.url}/metrics", Authorization=f"Bearer {TOKEN}"))
            for sample in family.samples
        }
    assert found["billing_database_up",] == 0
    assert found["http_requests_total", "/customer/login/", "POST", "500"] == 1
    assert {name[0].partition("_")[0] for name in found if name[0] != "billing_database_up"} == {"http"}


def test_a_development_server_tells_its_own_machine_without_a_token():
    with servers.database() as url, servers.Server("runserver", DATABASE_URL=url) as server:
        server.call("GET", "/invoice/list")
        text = get(f"{server.url}/metrics")
    assert 'http_requests_total{endpoint="/invoice/list",method="GET",status="401"} 1.0' in text
    assert "billing_database_up 1.0" in text


@pytest.mark.once
@pytest.mark.skipif(not shutil.which("promtool"), reason="wants promtool: apt-get install prometheus")
@pytest.mark.parametrize(
    "command",
    ["check rules alerts.yml", "test rules alerts.test.yml", "check config --syntax-only prometheus.yml"],
)
def test_promtool_accepts(command):
    done = subprocess.run(
        ["promtool", *command.split()], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.once
def test_every_alert_is_fired_by_a_case_of_its_own_and_leads_to_what_to_do():
    cases = DEPLOY.joinpath("prometheus/alerts.test.yml").read_text("utf-8")
    operations = servers.ROOT.joinpath("docs/operations.md").read_text("utf-8")
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.*)$", operations, re.MULTILINE)}
    names = {rule["alert"] for rule in ALERTS}
    assert set(re.findall(r"labels: '\{alertname=\"(\w+)\"\}'", cases)) == names
    assert set(re.findall(r"^\| `(\w+)` \|", section("Alerts"), re.MULTILINE)) == names
    for rule in ALERTS:
        assert rule["for"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        page, anchor = rule["annotations"]["runbook"].split("#")
        assert (page, anchor in headings) == ("docs/operations.md", True)


def test_what_the_dashboard_and_the_alerts_name_is_there_and_all_that_is_there_is_written_of(service):
    told = {sample.name for family in families(service.scrape()) for sample in family.samples}
    for expression in (*SHOWN, *(rule["expr"] for rule in ALERTS)):
        assert set(re.findall(r"\b(?:billing|http)_[a-z_]+", expression)) <= told, expression
    documented = re.findall(r"^\| `([a-z_]+)", section("What each says"), re.MULTILINE)
    assert set(documented) == {name + "_total" if kind == "counter" else name for name, kind in TYPES.items()}


def section(title: str) -> str:
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.skipif(not shutil.which("prometheus"), reason="wants Prometheus: apt-get install prometheus")
def test_a_real_prometheus_scrapes_it_shows_every_panel_and_evaluates_every_alert(service, tmp_path):
    config = DEPLOY.joinpath("prometheus/prometheus.yml").read_text("utf-8")
    for ours, given in {
        "interval: 15s": "interval: 1s",
        "/etc/prometheus/billing.token": str(tmp_path / "token"),
        "127.0.0.1:8000": f"127.0.0.1:{service.server.port}",
    }.items():
        assert ours in config
        config = config.replace(ours, given)
    tmp_path.joinpath("prometheus.yml").write_text(config)
    tmp_path.joinpath("token").write_text(TOKEN)
    shutil.copy(DEPLOY / "prometheus/alerts.yml", tmp_path)
    port = servers.free_port()
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with servers.Process([*command, f"--web.listen-address=127.0.0.1:{port}"]) as prometheus:

        def ask(path: str) -> Any:
            assert prometheus.popen.poll() is None, prometheus.output
            try:
                return json.loads(get(f"http://127.0.0.1:{port}/api/v1/{path}"))["data"]
            except URLError:
                return None

        def shows(expression: str) -> bool:
            asked = expression.replace("$__rate_interval", "10s").replace("[10m]", "[10s]").replace("[1m]", "[10s]")
            service.server.call("GET", "/x")  # errors, and answers
            return bool((ask(f"query?query={quote(asked)}") or {}).get("result"))

        for expression in SHOWN:
            servers.until(lambda asked=expression: shows(asked), f"a value of {expression}\n{prometheus.output}")
        (group,) = servers.until(lambda: (ask("rules") or {}).get("groups"), "the rules")
        servers.until(
            lambda: {rule["health"] for rule in ask("rules")["groups"][0]["rules"]} == {"ok"}, "every rule evaluated"
        )
        assert {rule["name"] for rule in group["rules"]} == {rule["alert"] for rule in ALERTS}
        told = ask(f"query?query={quote('billing_invoices_total')}")["result"][0]["value"][1]
        (counted,) = servers.rows(service.url, "SELECT count(*) FROM invoice_invoice")[0]
        assert 0 < float(told) <= counted
