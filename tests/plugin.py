"""Loads the shared fixtures once Django is set up; pytest.ini names this, so that every app's tests have them."""

import pytest
from django.conf import settings

pytest.register_assert_rewrite("tests.fixtures")


def pytest_configure(config: pytest.Config) -> None:
    # The real hash is slow on purpose, and not what is tested.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    config.pluginmanager.import_plugin("tests.fixtures")


def pytest_report_header() -> str:
    """Says which database the tests run on, and how to have the other."""
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    if engine == "postgresql":
        return "database: PostgreSQL"
    return "database: SQLite; PostgreSQL is left out unless DATABASE_URL names one (`make test` runs on both)"
