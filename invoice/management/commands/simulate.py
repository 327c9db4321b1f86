import csv
import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from invoice.simulation import machine
from invoice.simulation.forecast import Line, NoForecast

CUSTOMERS, SEED = 40, 1
BAR = 60


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """The type of an argument."""

    def read(given: str) -> int:
        if given.isascii() and given.isdecimal() and len(given) < 20 and least <= int(given) <= most:
            return int(given)
        raise ArgumentTypeError(f"it takes a whole number from {least} to {most}")

    return read


class Command(BaseCommand):
    help = (
        "Lets time pass on a virtual clock and a scratch database, with the service's own code, and prints what will be"
        " invoiced and what runs dry. Writes nothing to the real database. Exits 1 where it comes to no forecast."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=whole_number(1, 3650), default=30, help="how long; 30 if not given")
        subject = parser.add_mutually_exclusive_group()
        subject.add_argument(
            "--customers",
            type=whole_number(1, 100_000),
            default=CUSTOMERS,
            help=f"an invented provider of so many, {CUSTOMERS} if not given, each with 1 to 4 subscriptions",
        )
        subject.add_argument("--copy", action="store_true", help="a copy of the real data, if nobody does anything")
        parser.add_argument(
            "--seed",
            type=whole_number(0, 2**63 - 1),
            help=f"which invented provider, {SEED} if not given; the same seed makes the same books",
        )
        output = parser.add_mutually_exclusive_group()
        output.add_argument("--json", action="store_true", help="one JSON object, for machines")
        output.add_argument("--csv", action="store_true", help="a row for each subscription")

    def handle(self, *args: Any, days: int, customers: int, seed: int | None, copy: bool, **options: Any) -> None:
        if copy and seed is not None:
            raise CommandError("--seed goes with --customers: a copy has nothing random.", returncode=2)
        try:
            if copy:
                found = machine.of_copy(days=days, progress=self._progress)
            else:
                seed = SEED if seed is None else seed
                found = machine.of_invented(customers=customers, seed=seed, days=days, progress=self._progress)
        except (NoForecast, Error, OSError) as error:
            raise CommandError(f"No forecast. {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json()))
            return
        if options["csv"]:
            csv.writer(self.stdout, lineterminator="\n").writerows([Line._fields, *found.lines])
        else:
            for line in found.text():
                self.stdout.write(line)
        for aside in found.set_aside:
            self.stderr.write(str(aside))

    def _progress(self, share: float) -> None:
        if self.stderr.isatty():
            end = "\n" if share == 1 else ""
            self.stderr.write(f"\r[{'#' * round(BAR * share):<{BAR}}] {share:4.0%}{end}", ending="")
            self.stderr.flush()
