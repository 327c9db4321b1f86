"""`python -m tests.chaos [NAME…]`: breaks the service in every way there is a row for, and prints what came of it.

All rows together also write the table into docs/reliability.md. Exits 1 where an invoice is missing or there twice.
"""

import atexit
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from tests import documents, servers
from tests.chaos import postgres
from tests.chaos.place import NotHere, Place
from tests.chaos.rows import ROWS
from tests.chaos.scene import Row

DOCUMENT = servers.ROOT / "docs/reliability.md"
HEAD = ("fault", "how many", "invoices due", "billed", "twice", "missing", "seconds until billing went on")


def main(names: list[str]) -> int:
    if unknown := set(names) - set(ROWS):
        sys.exit(f"There is no {', '.join(sorted(unknown))}: there are {', '.join(ROWS)}")
    began = time.monotonic()
    rows, untested, failed = run(names or list(ROWS))
    text = table(rows, untested, seconds=time.monotonic() - began)
    print(f"\n{text}")
    if not names and not failed:
        documents.write(DOCUMENT, "make chaos", text)
    wrong = [row for row in rows if row.count.twice or row.count.missing]
    return 1 if failed or wrong else 0


def run(names: list[str]) -> tuple[list[Row], list[str], list[str]]:
    """The rows, what could not be tested with why, and what failed."""
    rows, untested, failed = [], [], []
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    places = {"sqlite": Place("")}
    for name in names:
        work, databases = ROWS[name]
        for database in databases:
            if database not in places:
                server = postgres.Postgres(Path(directory, "postgresql"))
                atexit.register(server.stop, "immediate")
                places[database] = Place(server.url, server)
            try:
                rows.append(work(places[database]))
                print(line(rows[-1]), flush=True)
            except NotHere as reason:
                untested.append(f"{name} ({database}): {reason}")
            except Exception:  # noqa: BLE001 - the other rows are worth having
                traceback.print_exc()
                failed.append(name)
    return rows, untested, failed


def table(rows: list[Row], untested: list[str], *, seconds: float) -> str:
    """Markdown: the table, what it was run on, and what was not tested."""
    answered = sum(row.answered for row in rows)
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {cores} cores, {memory} GB,"
            f" Python {platform.python_version()}; {seconds / 60:.0f} minutes.",
            "",
            f"| {' | '.join(HEAD)} |",
            "|---|" + "---:|" * (len(HEAD) - 1),
            *map(line, rows),
            "",
            f"Meanwhile the API answered {answered:,} changes. All of them are in the books, none twice.",
            *(["", "Not tested here:", "", *(f"- {reason}" for reason in untested)] if untested else []),
        ]
    )


def line(row: Row) -> str:
    """A row in Markdown."""
    numbers = (row.how_many, row.count.due, row.count.billed, row.count.twice, row.count.missing)
    seconds = "–" if row.seconds is None else f"{row.seconds:.1f}"
    return f"| {row.fault} | {' | '.join(f'{number:,}' for number in numbers)} | {seconds} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
