"""`python -m tests [pytest's options]`: the suite on SQLite, then on PostgreSQL; fails if either fails.

PostgreSQL is the one in DATABASE_URL where that names one, else one that runs for the length of the tests.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import postgresql

ON_POSTGRESQL = ("-m", "not once")


def run(title: str, url: str, *options: str) -> int:
    print(f"\n=== {title} ===", flush=True)
    workers = [] if any(option.startswith("-n") for option in sys.argv[1:]) else ["-n", "2", "--dist", "worksteal"]
    command = [sys.executable, "-m", "pytest", *workers, *options, *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        failed = run("SQLite", f"sqlite:///{Path(directory, 'tests.db').as_posix()}")
    if given := postgresql.given():
        return run("PostgreSQL, by DATABASE_URL", given, *ON_POSTGRESQL) or failed
    return run("PostgreSQL, the tests' own", postgresql.of_our_own(), *ON_POSTGRESQL) or failed


if __name__ == "__main__":
    sys.exit(main())
