import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from invoice.checks import report


class Command(BaseCommand):
    help = (
        "Proves on the live database that every instant was billed once, that the books agree and that every job is"
        " where it must be. Only reads, but for --record, and never holds billing up. Exits 1 where something is wrong,"
        " 2 where it cannot tell."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
        parser.add_argument("--record", action="store_true", help="keep the result, for the operators' dashboard")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = report.run(progress=self._progress)
            if options["record"]:
                report.record(found)
        except Error as error:
            self.stderr.write(f"The database cannot be checked: {' '.join(str(error).split())}")
            sys.exit(2)
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json()))
        else:
            for line in found.lines():
                self.stdout.write(line)
        if found.faults:
            sys.exit(1)

    def _progress(self, what: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(what, self.style.NOTICE)
