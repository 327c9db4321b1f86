"""`python -m bench [--quick] [NAME…]`: measures, keeps the figures in bench/results, and prints them.

Every figure is a ratio of two things measured in turn in one run, since machines are noisy: the median of the turns'
ratios, with the least and the most. PostgreSQL is the one in DATABASE_URL, which should have nothing else to do, or one
of the benchmark's own.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from bench.billing import MEASURES
from bench.measure import Measured
from tests import documents, postgresql

RESULTS = Path(__file__).parent / "results"
DOCUMENT = RESULTS.parent.parent / "docs/performance.md"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}; without one, all")
    arguments.add_argument("--quick", action="store_true", help="two minutes: smaller, and fewer turns")
    asked = arguments.parse_args()
    if unknown := set(asked.names) - set(MEASURES):
        arguments.error(f"there is no {', '.join(sorted(unknown))}: there are {', '.join(MEASURES)}")
    measured: list[Measured] = []
    os.environ["DATABASE_URL"] = postgresql.given() or postgresql.of_our_own()  # beside it, databases are made
    for name in asked.names or MEASURES:
        measured += MEASURES[name](quick=asked.quick)
    print("\n".join(table(measured)))
    if not asked.quick:
        keep(measured)
        documents.write(DOCUMENT, "make bench", "\n".join(table(kept())))


def table(measured: list[Measured]) -> list[str]:
    """In Markdown."""
    return [
        "| work | compared with | ratio (least to most) | to reach | absolute |",
        "|---|---|---:|---:|---|",
        *(each.row() for each in measured),
    ]


def keep(measured: list[Measured]) -> None:
    """Writes a file for each measure: what was measured on what, and every turn."""
    RESULTS.mkdir(exist_ok=True)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for each in measured:
        text = json.dumps({"at": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine} | each.as_json(), indent=1)
        RESULTS.joinpath(f"{each.name}.json").write_text(f"{text}\n", "utf-8")


def kept() -> list[Measured]:
    """All that was ever kept, by name; the latest of each."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    return [Measured(**{name: each[name] for name in Measured.__dataclass_fields__}) for each in found]


if __name__ == "__main__":
    main()
