"""Production servers side by side: requests a second of the service under each, beside gunicorn's as the README has it.

`pip install granian==2.8.7`, then `DATABASE_URL=… python -m bench.candidates` prints a table in Markdown.
"""

import os
import statistics
from contextlib import ExitStack

from bench import pace
from bench.endpoints import ENDPOINTS, GUNICORN, OURS, database, serving
from bench.load import load, needs_wrk
from tests import postgresql

CANDIDATES = {
    "gunicorn, sync": GUNICORN,
    "gunicorn, gthread, 4 threads": f"{GUNICORN} --worker-class gthread --threads 4",
    "granian, WSGI": "-m granian --interface wsgi --workers 2 --blocking-threads 1 --host 127.0.0.1 --port {port}"
    " {application}:application",
}
ASKED = ("invoice-statistics", "invoice-list", "increasecredit")
TURNS, SECONDS, CONNECTIONS = 5, 2, 8


def main() -> None:
    needs_wrk()
    os.environ["DATABASE_URL"] = postgresql.given() or postgresql.of_our_own()
    asked = [each for each in ENDPOINTS if each.name in ASKED]
    rates: dict[tuple[str, str], list[float]] = {}
    slowest: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        url = stack.enter_context(database())
        addresses = {
            name: stack.enter_context(serving(OURS, command, DATABASE_URL=url)) for name, command in CANDIDATES.items()
        }
        for turn in pace.steps(range(TURNS), "servers"):
            for endpoint in asked:
                for name, address in addresses.items():
                    requests = endpoint.requests(turn)
                    answers = load(address, requests, seconds=SECONDS, connections=CONNECTIONS)
                    rates.setdefault((name, endpoint.name), []).append(answers.rate)
                    slowest.setdefault((name, endpoint.name), []).append(answers.p99)
    first = next(iter(CANDIDATES))
    print(f"| server | {' | '.join(f'{each.name} | p99' for each in asked)} |")
    print(f"|---|{'---:|---:|' * len(asked)}")
    for name in CANDIDATES:
        cells = []
        for endpoint in asked:
            pairs = zip(rates[name, endpoint.name], rates[first, endpoint.name], strict=True)
            ratios = [ours / gunicorn for ours, gunicorn in pairs]
            cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
            cells.append(f"{statistics.median(slowest[name, endpoint.name]):.0f} ms")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
