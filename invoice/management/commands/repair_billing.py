import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from customer.models import Customer, SetAside
from invoice import repair
from invoice.diagnosis import Diagnosis


class Command(BaseCommand):
    help = (
        "Puts right what is wrong with accounts and follows from the rest of their books, and opens those that were set"
        " aside. An account with anything else wrong is left as it is. Exits 1 if there is one, 2 where an account does"
        " not exist or the database fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", metavar="ACCOUNT", type=int, nargs="*", help="the id of its customer")
        parser.add_argument("--all", action="store_true", help="all accounts that are set aside")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--json", action="store_true", help="one JSON object, for machines")

    def handle(self, *args: Any, accounts: list[int], dry_run: bool, **options: Any) -> None:
        if bool(accounts) == options["all"]:
            raise CommandError("Name accounts, or give --all for those that are set aside.", returncode=2)
        results = []
        try:
            asked = self._set_aside() if options["all"] else self._existing(accounts)
            for number, customer_id in enumerate(asked, start=1):
                self._progress(f"Account {customer_id}, {number} of {len(asked)}")
                found = self._look_at(customer_id) if dry_run else self._repair(customer_id)
                results.append(found)
                if not options["json"]:
                    self._show(found, dry_run=dry_run)
        except Error as error:
            self.stderr.write(f"The database fails: {' '.join(str(error).split())}")
            sys.exit(2)
        if not results and not options["json"]:
            self.stdout.write("No account is set aside.")
        ok = not any(found.remains for found in results)
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": ok, "dry_run": dry_run, "accounts": [each.as_json() for each in results]})
            )
        if not ok:
            sys.exit(1)

    def _set_aside(self) -> list[int]:
        return list(SetAside.objects.order_by("pk").values_list("pk", flat=True))

    def _existing(self, accounts: list[int]) -> list[int]:
        for customer_id in accounts:
            if not Customer.objects.filter(pk=customer_id).exists():
                raise CommandError(f"There is no account {customer_id}.", returncode=2)
        return list(dict.fromkeys(accounts))

    def _look_at(self, customer_id: int) -> Diagnosis:
        return repair.preview(customer_id=customer_id)

    def _repair(self, customer_id: int) -> Diagnosis:
        try:
            return repair.repair(customer_id=customer_id, by=None)
        except repair.Unrepaired as refusal:
            return refusal.found

    def _show(self, found: Diagnosis, *, dry_run: bool) -> None:
        if found.remains:
            outcome = "not repaired"
        elif found.needed:
            outcome = "would be repaired" if dry_run else "repaired"
        else:
            outcome = "nothing to repair"
        self.stdout.write(f"Account {found.customer_id}: {outcome}")
        for line in found.lines():
            self.stdout.write(f"  {line}")

    def _progress(self, what: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(what, self.style.NOTICE)
