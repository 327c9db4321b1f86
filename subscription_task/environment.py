"""Reads the service's settings from the environment, and refuses the ones that make no sense."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError, validate

_env = Env()
DEVELOPMENT_KEY_BYTES = 50


def _refuse(name: str, remedy: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}={os.environ.get(name, '')!r} makes no sense: {remedy}")


def _read(read: Callable[..., Any], name: str, default: Any, remedy: str, **options: Any) -> Any:
    if os.environ.get(name, "").strip() == "":
        return default
    try:
        return read(name, **options)
    except EnvError as error:
        raise _refuse(name, remedy) from error


def switch(name: str, default: bool | None) -> bool | None:
    """`on` or `off` (also true, false, yes, no, 1, 0); `default` where it is not set."""
    return _read(_env.bool, name, default, "it takes on or off")


def whole_number(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    remedy = f"it takes a whole number from {least} to {most}"
    return _read(_env.int, name, default, remedy, validate=validate.Range(least, most))


def one_of(name: str, default: str, choices: list[str]) -> str:
    """One of the words in `choices`."""
    remedy = f"it takes {' or '.join(choices)}"
    return _read(_env.str, name, default, remedy, validate=validate.OneOf(choices))


def words(name: str, default: list[str], *, each: str, remedy: str) -> list[str]:
    """Words with commas between them, each of which is as the pattern `each` says."""
    given = os.environ.get(name, "")
    if given.strip() == "":
        return default
    found = [word.strip() for word in given.split(",") if word.strip()]
    if not found or not all(re.fullmatch(each, word) for word in found):
        raise _refuse(name, remedy)
    return found


def text(name: str, default: str) -> str:
    """Any text."""
    return _read(_env.str, name, default, "it takes text")


def word(name: str, default: str) -> str:
    """A word of up to 100 letters, digits, dots, hyphens and underscores."""
    remedy = "it takes up to 100 letters, digits, dots, hyphens and underscores"
    return _read(_env.str, name, default, remedy, validate=validate.Regexp(r"[A-Za-z0-9._-]{1,100}\Z"))


def database(name: str, sqlite_path: Path) -> dict[str, Any]:
    """The `DATABASES` entry of a URL; SQLite at `sqlite_path` where it is not set."""
    url = os.environ.get(name, "").strip()
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(sqlite_path)}
    try:
        entry = dj_database_url.parse(url)
    except ValueError as error:
        raise _refuse_database(name) from error
    known = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
    if entry.get("ENGINE") not in known or entry.get("NAME") in ("", ":memory:"):
        raise _refuse_database(name)
    return dict(entry)


def _refuse_database(name: str) -> ImproperlyConfigured:
    # The value may hold a password, so it is not repeated.
    return ImproperlyConfigured(
        f"{name} makes no sense: it takes sqlite:///path or postgres://user:password@host:port/name,"
        " a socket as postgres:///name?host=/dir"
    )


def broker(name: str) -> str:
    """The URL of a message broker, RabbitMQ or Redis; empty where it is not set."""
    url = os.environ.get(name, "").strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no port
    except ValueError:
        parts = urlsplit("")
    path = r"/?|/\d+" if parts.scheme in ("redis", "rediss") else r"/?|/[^/@\s]+|//"
    known = parts.scheme in ("amqp", "amqps", "redis", "rediss") and parts.hostname
    if not known or parts.query or parts.fragment or not re.fullmatch(path, parts.path):
        # The value may hold a password, so it is not repeated.
        raise ImproperlyConfigured(
            f"{name} makes no sense: it takes amqp://user:password@host:port/vhost or redis://:password@host:port/0,"
            " with TLS amqps:// or rediss://"
        )
    return url


def development_key(path: Path) -> str:
    """The development server's key: made once, kept in `path`, readable by its owner alone.

    Two processes that start at once agree: the file appears whole or not at all.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(DEVELOPMENT_KEY_BYTES))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
