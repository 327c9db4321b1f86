"""What the environment may say, what it may not, and how the service says so."""

import os
import re
import runpy
import ssl
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests import servers

pytestmark = pytest.mark.once

KEY = "a key for tests alone, " * 3  # not random: the names of the tests hold it
PRODUCTION = servers.PRODUCTION | {"DJANGO_SECRET_KEY": KEY}


@pytest.fixture
def read(monkeypatch):
    """Reads the settings anew, as a process with this environment would."""

    def run(**environment: str) -> dict:
        for name in servers.SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(servers.ROOT / "subscription_task/settings.py"))

    return run


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("INVOICE_PERIOD", "0", "a whole number from 1 to 31536000"),
        ("INVOICE_PERIOD", "-1", "a whole number from 1 to 31536000"),
        ("INVOICE_PERIOD", "1.5", "a whole number from 1 to 31536000"),
        ("INVOICE_PERIOD", "abc", "a whole number from 1 to 31536000"),
        ("INVOICE_PERIOD", "31536001", "a whole number from 1 to 31536000"),
        ("INVOICE_PERIOD", "9" * 5000, "a whole number from 1 to 31536000"),
        ("TRUSTED_PROXIES", "11", "a whole number from 0 to 10"),
        ("SCHEDULER", "maybe", "auto or off"),
        ("INVOICE_ENGINE", "steam", "local or celery"),
        ("CELERY_BROKER_URL", "banana", "amqp://user:password@host:port/vhost or redis://:password@host:port/0"),
        ("CELERY_BROKER_URL", "http://ada:secret@broker.example", "amqp://user:password@host:port/vhost or redis://"),
        ("CELERY_BROKER_URL", "amqp://", "amqp://user:password@host:port/vhost or redis://"),
        ("CELERY_BROKER_URL", "amqp://ada:secret@broker.example/a/b", "amqp://user:password@host:port/vhost"),
        ("CELERY_BROKER_URL", "amqp://ada:/secret@broker.example", "amqp://user:password@host:port/vhost"),
        ("CELERY_BROKER_URL", "redis://:secret@broker.example:port/0", "redis://:password@host:port/0"),
        ("CELERY_BROKER_URL", "redis://:secret@broker.example/billing", "redis://:password@host:port/0"),
        ("CELERY_BROKER_URL", "rediss://broker.example/0?ssl_cert_reqs=none&secret", "rediss://"),
        ("CELERY_QUEUE", "my queue", "letters, digits, dots, hyphens and underscores"),
        ("CELERY_QUEUE", "q" * 101, "letters, digits, dots, hyphens and underscores"),
        ("DATABASE_URL", "banana", "sqlite:///path or postgres://user:password@host:port/name"),
        ("DATABASE_URL", "mysql://ada:secret@db.example/billing", "sqlite:///path or postgres://"),
        ("DATABASE_URL", "postgres://ada:secret@db.example", "sqlite:///path or postgres://"),
        ("DATABASE_URL", "postgres://ada:secret@db.example:port/billing", "sqlite:///path or postgres://"),
        ("DATABASE_URL", "sqlite://:memory:", "sqlite:///path or postgres://"),
        ("DATABASE_URL", "sqlite://", "sqlite:///path or postgres://"),
        ("DJANGO_DEBUG", "perhaps", "on or off"),
        ("SELF_SERVICE_TOP_UP", "sometimes", "on or off"),
        ("RATE_LIMITS", "2", "on or off"),
        ("DJANGO_HTTPS", "tls", "on or off"),
        ("DJANGO_SECRET_KEY", "short", "32 characters or more"),
        ("DJANGO_ALLOWED_HOSTS", ",", "host names"),
        ("DJANGO_ALLOWED_HOSTS", "https://billing.example", "host names"),
        ("DJANGO_ALLOWED_HOSTS", "billing.example:8000", "host names"),
        ("DJANGO_CSRF_TRUSTED_ORIGINS", "billing.example", "origins such as https://billing.example"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_one_line_with_its_name_and_what_would(name, value, accepted):
    done = servers.manage("check", **{name: value})
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert name in line
    assert accepted in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("missing", "accepted"),
    [
        ("DJANGO_SECRET_KEY", "50 characters or more"),
        ("DJANGO_ALLOWED_HOSTS", "host names"),
        ("SELF_SERVICE_TOP_UP", "on where customers may credit themselves, else off"),
    ],
)
def test_production_does_not_start_without(missing, accepted):
    done = servers.manage("check", **PRODUCTION | {missing: ""})
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert missing in line
    assert accepted in line


def test_runserver_refuses_as_check_does():
    done = servers.manage("runserver", "--noreload", "127.0.0.1:0", INVOICE_PERIOD="0")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("manage.py: INVOICE_PERIOD='0' makes no sense")


def test_with_nothing_set_it_is_a_development_server(read):
    settings = read()
    assert settings["DEBUG"] is True
    assert settings["ALLOWED_HOSTS"] == []  # Django then serves loopback hosts alone
    assert settings["DATABASES"]["default"]["NAME"] == str(servers.ROOT / "db.sqlite3")
    assert settings["INVOICE_PERIOD"] == 600
    assert settings["SCHEDULER"] == "auto"
    assert settings["SELF_SERVICE_TOP_UP"] is True
    assert settings["RATE_LIMITS"] is False
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert len(settings["SECRET_KEY"]) >= 50


def test_production_is_strict_unless_told_otherwise(read):
    settings = read(**PRODUCTION | {"DJANGO_HTTPS": ""})
    assert settings["DEBUG"] is False
    assert settings["SECRET_KEY"] == KEY
    assert settings["RATE_LIMITS"] is True
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SESSION_COOKIE_SECURE"] is True


@pytest.mark.parametrize(
    ("name", "value", "setting", "read_as"),
    [
        ("INVOICE_PERIOD", "1", "INVOICE_PERIOD", 1),
        ("INVOICE_PERIOD", "31536000", "INVOICE_PERIOD", 31_536_000),
        ("INVOICE_PERIOD", "", "INVOICE_PERIOD", 600),
        ("SCHEDULER", "off", "SCHEDULER", "off"),
        ("INVOICE_ENGINE", "local", "INVOICE_ENGINE", "local"),
        ("CELERY_BROKER_URL", "", "CELERY_BROKER_URL", ""),
        ("CELERY_BROKER_URL", "amqp://a:s%40crét@b.example", "CELERY_BROKER_URL", ...),
        ("CELERY_BROKER_URL", "amqps://a:b@[::1]:5671/billing", "CELERY_BROKER_URL", ...),
        ("CELERY_BROKER_URL", "amqp://b.example//", "CELERY_BROKER_URL", ...),
        ("CELERY_BROKER_URL", "redis://:b@b.example:6379/15", "CELERY_BROKER_URL", ...),
        ("CELERY_BROKER_URL", "rediss://b.example/", "CELERY_BROKER_URL", ...),
        ("CELERY_QUEUE", "", "CELERY_TASK_DEFAULT_QUEUE", "billing"),
        ("CELERY_QUEUE", "billing-2.a_b", "CELERY_TASK_DEFAULT_QUEUE", "billing-2.a_b"),
        ("SELF_SERVICE_TOP_UP", "off", "SELF_SERVICE_TOP_UP", False),
        ("SELF_SERVICE_TOP_UP", "FALSE", "SELF_SERVICE_TOP_UP", False),
        ("RATE_LIMITS", "on", "RATE_LIMITS", True),
        ("DJANGO_HTTPS", "1", "SECURE_SSL_REDIRECT", True),
        ("TRUSTED_PROXIES", "2", "TRUSTED_PROXIES", 2),
        ("DJANGO_SECRET_KEY", KEY, "SECRET_KEY", KEY),
        ("DJANGO_ALLOWED_HOSTS", "billing.example, .billing.example,[::1],", "ALLOWED_HOSTS", ...),
        ("DJANGO_ALLOWED_HOSTS", "*", "ALLOWED_HOSTS", ["*"]),
        ("DJANGO_CSRF_TRUSTED_ORIGINS", "https://*.a.example,http://b:8000", "CSRF_TRUSTED_ORIGINS", ...),
    ],
)
def test_a_value_that_makes_sense_is_taken(read, name, value, setting, read_as):
    if read_as is ...:
        read_as = value if name == "CELERY_BROKER_URL" else [word for word in re.split("[, ]+", value) if word]
    assert read(**{name: value})[setting] == read_as


def test_the_celery_engine_does_not_start_without_celery_or_a_broker(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "celery", None)  # as where it is not installed
    with pytest.raises(ImproperlyConfigured, match="pip install -r requirements-celery.txt$"):
        read(INVOICE_ENGINE="celery", CELERY_BROKER_URL="amqp://broker.example")
    monkeypatch.setitem(sys.modules, "celery", ModuleType("celery"))
    sys.modules["celery"].__spec__ = ModuleSpec("celery", None)
    with pytest.raises(ImproperlyConfigured, match="^CELERY_BROKER_URL must be set"):
        read(INVOICE_ENGINE="celery")
    assert read(INVOICE_ENGINE="celery", CELERY_BROKER_URL="amqp://broker.example")["INVOICE_ENGINE"] == "celery"


@pytest.mark.parametrize("scheme", ["amqps", "rediss"])
def test_a_broker_with_tls_must_prove_its_name(read, scheme):
    options = read(CELERY_BROKER_URL=f"{scheme}://broker.example")["CELERY_BROKER_USE_SSL"]
    expected = {"server_hostname": "broker.example"}
    if scheme == "rediss":
        expected = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    assert options == expected


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("sqlite:///billing.db", {"NAME": "billing.db"}),
        ("sqlite:////var/lib/billing.db", {"NAME": "/var/lib/billing.db"}),
        (
            "postgres://ada:s%40crét@db.example:5433/billing",
            {"USER": "ada", "PASSWORD": "s@crét", "HOST": "db.example", "PORT": 5433, "NAME": "billing"},
        ),
        ("postgresql://ada@db.example/billing", {"USER": "ada", "HOST": "db.example", "NAME": "billing"}),
    ],
)
def test_a_database_url_names_a_database(read, url, entry):
    found = read(DATABASE_URL=url)["DATABASES"]["default"]
    assert {name: found[name] for name in entry} == entry


@pytest.mark.skipif(os.name == "nt", reason="Windows has PostgreSQL's sockets elsewhere")
def test_a_database_url_may_name_the_directory_of_a_socket(tmp_path):
    done = servers.manage("migrate", "--check", DATABASE_URL=f"postgres:///billing?host={tmp_path}")
    assert done.returncode != 0
    assert str(tmp_path / ".s.PGSQL.5432") in done.stderr  # nothing listens there, but that is where it knocked


@pytest.mark.parametrize("entry_point", ["subscription_task.wsgi", "subscription_task.asgi"])
def test_a_production_entry_point_refuses_to_start_with_nothing_set(entry_point):
    done = _python(f"import {entry_point}")
    assert done.returncode != 0
    for name in ("DJANGO_DEBUG=off", "DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "SELF_SERVICE_TOP_UP"):
        assert name in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("entry_point", ["subscription_task.wsgi", "subscription_task.asgi"])
def test_a_production_entry_point_starts_with_what_production_needs(entry_point):
    done = _python(f"import {entry_point}", SCHEDULER="off", **PRODUCTION)
    assert done.returncode == 0, done.stderr


def test_the_development_key_is_made_once_by_one_of_many_processes_and_kept(tmp_path):
    path = tmp_path / "key"
    key = (
        "from pathlib import Path; from subscription_task.environment import development_key;"
        f"print(development_key(Path({str(path)!r})))"
    )
    several = [
        subprocess.Popen([sys.executable, "-c", key], cwd=servers.ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    keys = {process.communicate(timeout=servers.PATIENCE)[0].strip() for process in several}
    assert keys == {path.read_text()}
    assert len(path.read_text()) >= 50
    assert _python(key).stdout.strip() in keys
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_only_its_owner_can_read_the_development_key(tmp_path):
    path = tmp_path / "key"
    _python(
        "from pathlib import Path; from subscription_task.environment import development_key;"
        f"development_key(Path({str(path)!r}))"
    )
    assert path.stat().st_mode & 0o777 == 0o600


def _python(code: str, **settings: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=servers.ROOT,
        env=servers.environment(**settings),
        capture_output=True,
        text=True,
        timeout=servers.PATIENCE,
        check=False,
    )
