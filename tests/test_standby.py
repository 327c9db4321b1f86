"""One scheduler of a host bills, the others stand by; when it dies or falls behind, they do not."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from invoice.passes import LOOK, Passes
from invoice.schedulers import Scheduler
from invoice.standby import HostLock, _path
from subscription import subscriptions

pytestmark = pytest.mark.django_db


@pytest.fixture
def held_by_another():
    """The lock, in the hands of another scheduler of this host."""
    Scheduler.lock.release()
    other = HostLock()
    assert other.held()
    yield other
    other.release()


def test_only_one_holds_the_lock_until_it_lets_go(held_by_another):
    late = HostLock()
    assert not late.held()
    held_by_another.release()
    assert late.held()
    late.release()


def test_the_kernel_frees_the_lock_of_a_process_that_is_killed():
    Scheduler.lock.release()
    path = _path()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire()\n"
            "print('held', flush=True); sys.stdin.read()",
            str(path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"held\n"
    lock = HostLock()
    assert not lock.held()
    holder.kill()
    holder.communicate()
    assert lock.held()
    lock.release()


def test_each_database_has_a_lock_of_its_own_that_only_its_user_can_read(monkeypatch):
    lock = HostLock()
    Scheduler.lock.release()
    assert lock.held()
    if sys.platform != "win32":
        assert _path().stat().st_mode & 0o777 == 0o600
    lock.release()
    before = _path()
    monkeypatch.setitem(connection.settings_dict, "NAME", connection.settings_dict["NAME"] + "2")
    assert _path() != before


def test_where_no_file_can_be_made_everybody_bills(monkeypatch, tmp_path, caplog):
    not_a_folder = tmp_path / "file"
    not_a_folder.touch()
    monkeypatch.setattr("invoice.standby._path", lambda: Path(not_a_folder, "lock"))
    assert HostLock().held()
    assert "each of them bills" in caplog.text


def test_a_standby_leaves_what_is_due_until_it_is_five_seconds_late(
    held_by_another, make_customer, fake_clock, monkeypatch
):
    ada = make_customer(credit=1000)
    vm = subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)
    standby = Passes(HostLock())
    fake_clock.at(605)
    assert standby.begin() == []
    assert standby.end() == LOOK
    assert standby.last_good is not None, "a standby is as ready as any"
    fake_clock.at(605.1)
    for job in standby.begin():
        standby.collect(job.customer_id)
    standby.end()
    assert vm.invoices.count() == 1
