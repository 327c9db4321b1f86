"""repair_billing: what it says, and what its exit code says."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.models import Account, Customer, SetAside
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription


@pytest.fixture
def broken(make_customer, fake_clock, run_pass):
    """Three customers who were billed once: ada's count is wrong, bob's price, and both are set aside; eve is well."""
    for name in ("ada", "bob", "eve"):
        subscriptions.create(customer=make_customer(name, credit=1000), name="VM", price=100, isactive=True, by=None)
    fake_clock.at(600)
    run_pass()
    ids = dict(Customer.objects.values_list("username", "pk"))
    Account.objects.filter(pk=ids["ada"]).update(invoice_count=9)
    Subscription.objects.filter(customer=ids["bob"]).update(price=99)
    for name in ("ada", "bob"):
        accounts.set_aside(customer_id=ids[name], error="broken")
    return ids


def run(capsys, *arguments):
    """The exit code, and what was printed."""
    capsys.readouterr()
    try:
        call_command("repair_billing", *map(str, arguments))
        code = 0
    except SystemExit as over:
        code = over.code
    printed = capsys.readouterr()
    return code, printed.out


def test_a_repair_says_what_was_done(broken, capsys):
    code, out = run(capsys, broken["ada"])
    assert out == (
        f"Account {broken['ada']}: repaired\n"
        "  invoice_count becomes 1, not 9: the number of the invoices.\n"
        "  The account is opened.\n"
    )
    assert code == 0
    assert Account.objects.get(pk=broken["ada"]).invoice_count == 1
    assert list(SetAside.objects.values_list("pk", flat=True)) == [broken["bob"]]
    assert run(capsys, broken["ada"]) == (0, f"Account {broken['ada']}: nothing to repair\n  Nothing is wrong.\n")


def test_a_dry_run_says_the_same_and_does_nothing(broken, capsys):
    code, out = run(capsys, broken["ada"], "--dry-run")
    assert out.splitlines()[0] == f"Account {broken['ada']}: would be repaired"
    assert "  invoice_count becomes 1, not 9: the number of the invoices." in out
    assert code == 0
    assert Account.objects.get(pk=broken["ada"]).invoice_count == 9
    assert SetAside.objects.count() == 2
    assert run(capsys, broken["bob"], "--dry-run")[0] == 1


def test_all_repairs_what_can_be_and_names_the_rest(broken, capsys):
    code, out = run(capsys, "--all")
    assert code == 1
    assert f"Account {broken['ada']}: repaired" in out
    assert f"Account {broken['bob']}: not repaired\n  Nothing is repaired before this is mended by hand:" in out
    assert "takes 100 where the price was 99. Restore the row from a backup. [amount_wrong]" in out
    assert f"Account {broken['eve']}" not in out
    assert list(SetAside.objects.values_list("pk", flat=True)) == [broken["bob"]]


def test_all_of_none_is_well(db, capsys):
    assert run(capsys, "--all") == (0, "No account is set aside.\n")


def test_json_is_one_object(broken, capsys):
    code, out = run(capsys, broken["ada"], broken["bob"], "--json")
    vm = Subscription.objects.get(customer=broken["bob"])
    invoice = Invoice.objects.get(subscription=vm)
    said = json.loads(out)
    assert said["accounts"][1]["remains"][0].pop("message").startswith(f"invoice {invoice.pk}, at 2030-01-01 00:10:00")
    assert code == 1
    assert said == {
        "ok": False,
        "dry_run": False,
        "accounts": [
            {
                "account": broken["ada"],
                "set_aside": "broken",
                "steps": ["invoice_count becomes 1, not 9: the number of the invoices."],
                "due": 0,
                "remains": [],
            },
            {
                "account": broken["bob"],
                "set_aside": "broken",
                "steps": [],
                "due": 0,
                "remains": [{"code": "amount_wrong", "account": broken["bob"], "subscription": vm.pk}],
            },
        ],
    }


def test_an_account_need_not_be_set_aside(broken, capsys):
    vm = Subscription.objects.get(customer=broken["eve"])
    DjangoJob.objects.filter(pk=str(vm.pk)).delete()
    code, out = run(capsys, broken["eve"])
    assert code == 0
    assert f"  The job of subscription {vm.pk} is made again, at 2030-01-01 00:20:00.\n" in out
    assert "opened" not in out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("ada", 2**70), f"There is no account {2**70}."),
        (("ada", -1), "There is no account -1."),
        ((), "Name accounts, or give --all for those that are set aside."),
        (("ada", "--all"), "Name accounts, or give --all for those that are set aside."),
    ],
)
def test_what_makes_no_sense_is_exit_2_and_nothing_is_done(broken, arguments, error):
    with pytest.raises(CommandError, match=error) as refused:
        call_command("repair_billing", *(broken.get(argument, argument) for argument in arguments))
    assert refused.value.returncode == 2
    assert SetAside.objects.count() == 2


def test_a_database_that_cannot_be_reached_is_one_line_and_exit_2():
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    command = [sys.executable, "manage.py", "repair_billing", "--all", "--json"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("The database fails: ")
