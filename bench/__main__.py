"""`python -m bench [--quick] [NAME…]`: measures, keeps the figures in bench/results, and prints them.

Every figure compares two things measured in turn in one run, since machines are noisy: the median of the turns, with
the least and the most. PostgreSQL is the one in DATABASE_URL, which should have nothing else to do, or one of the
benchmark's own.
"""

import argparse
import os

from bench import answer, billing, endpoints, lists, plots, record, rush, size, spread, startup
from bench.measure import Measured
from tests import documents, postgresql, servers

PARTS = (billing, spread, startup, endpoints, rush, lists, size, answer)
MEASURES = {name: measure for part in PARTS for name, measure in part.MEASURES.items()}
DOCUMENT = servers.ROOT / "docs/performance.md"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}; without one, all")
    arguments.add_argument("--quick", action="store_true", help="two minutes: smaller, fewer turns, nothing is kept")
    asked = arguments.parse_args()
    if unknown := set(asked.names) - set(MEASURES):
        arguments.error(f"there is no {', '.join(sorted(unknown))}: there are {', '.join(MEASURES)}")
    os.environ["DATABASE_URL"] = postgresql.given() or postgresql.of_our_own()  # beside it, databases are made
    measured: list[Measured] = []
    for name in asked.names or MEASURES:
        of_this = MEASURES[name](quick=asked.quick)
        if not asked.quick:
            record.keep(of_this)
        measured += of_this
    print(record.table(measured))
    if not asked.quick:
        kept = record.table(list(record.kept().values()))
        documents.write(DOCUMENT, "make bench", f"{kept}\n\n{record.origin()}")
        plots.draw()


if __name__ == "__main__":
    main()
