"""Two hosts on one PostgreSQL, their clocks minutes apart, while the network between them and it is cut and healed."""

import subprocess
import sys
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import servers
from tests.chaos import network
from tests.chaos.network import Host
from tests.chaos.place import NotHere, Place
from tests.chaos.scene import Row, Scene

APART = 90
"""The seconds by which one host's clock is ahead, and by which the other's is behind."""
NAMED = "ALTER TABLE invoice_invoice ADD COLUMN host inet DEFAULT inet_client_addr()"
"""Has each invoice say which host made it: the service does not know of the column, so it takes its default."""

LATE = 5
"""The seconds by which a scheduler that has caught up is never late."""


def hosts(place: Place) -> Row:
    """Each host in turn is cut off in mid-pass until the other has billed everything; then, for a second, both are."""
    ahead, behind = _clock(APART), _clock(-APART)
    with (
        TemporaryDirectory() as directory,
        servers.database(place.given) as url,
        network.hosts(2) as pair,
        # The customers' tokens are made by the clock that is behind: a host refuses those of a host ahead of it.
        Scene(
            url, web=(), schedulers=0, DJANGO_ALLOWED_HOSTS=",".join(host.address for host in pair), **behind
        ) as scene,
    ):
        with closing(servers.connect(url)) as connection:
            connection.execute(NAMED)
            connection.commit()
        for host, clock in zip(pair, (ahead, behind), strict=True):
            _start(scene, host, url, Path(directory, host.address), clock)
        for host in pair:
            servers.until(lambda host=host: _made(url, host), f"{host.address} to bill")
        held = 0.0
        for host, other in (pair, pair[::-1]):
            began = _cut_in_a_pass(url, host)
            before = _made(url, host)
            servers.until(lambda host=host: not _transactions(url, host), "the database to give a silent host up")
            held = max(held, time.monotonic() - began)
            servers.until(lambda: _late(url) < LATE, f"{other.address} to bill everything")
            assert _made(url, host) == before, f"{host.address} billed while it was cut off"
            other.cut()
            time.sleep(1)
            host.heal()
            scene.fault_ended()
            servers.until(lambda host=host, before=before: _made(url, host) > before, f"{host.address} to bill again")
            other.heal()
            scene.fault_ended()
        for scheduler in scene.schedulers:
            assert "A pass failed" in scheduler.process.output, "a scheduler did not miss the database"
        scene.saw("Connection timed out")
        return scene.row(
            f"PostgreSQL: two hosts, their clocks {2 * APART} s apart; one, the other and both cut off, in silence"
            f" (locks of a host cut off in mid-pass free within {held:.0f} s)"
        )


def _clock(seconds: int) -> dict[str, str]:
    """The environment in which a process sees its clock so many seconds ahead. Raises NotHere."""
    if (package := find_spec("libfaketime")) is None:
        raise NotHere("it wants the package libfaketime")
    library = Path(package.submodule_search_locations[0], "vendor/libfaketime/src/libfaketime.so.1")
    made = {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # the time that waits are measured in is nobody's to set
        "NO_FAKE_STAT": "1",  # gunicorn's workers show that they live by the times of files
    }
    ask = [sys.executable, "-c", "import time; print(time.time())"]
    told = float(subprocess.run(ask, env=servers.environment(**made), capture_output=True, check=True).stdout)
    if abs(told - time.time() - seconds) > APART / 2:
        raise NotHere("libfaketime does not work here")
    return made


def _start(scene: Scene, host: Host, url: str, directory: Path, clock: dict[str, str]) -> None:
    """A server and a scheduler on the host, with the locks of a host in `directory`."""
    directory.mkdir()
    settings = {"DATABASE_URL": url.replace("127.0.0.1", host.gateway), "TMPDIR": str(directory), **clock}
    scene.web.append(scene.server("gunicorn", host=host.address, through=host.through, **settings))
    scene.schedulers.append(scene.part([*servers.MANAGE, "runscheduler"], through=host.through, **settings))


def _addresses(hosts: list[Host]) -> str:
    return ",".join(host.address for host in hosts)


def _cut_in_a_pass(url: str, host: Host) -> float:
    """Cuts a host off in the midst of a transaction; when, by `time.monotonic()`."""

    def cut() -> float | None:
        servers.until(lambda: _transactions(url, host), f"{host.address} to begin a transaction")
        host.cut()
        at = time.monotonic()
        time.sleep(0.5)  # what had reached the database in time
        if _transactions(url, host):
            return at
        host.heal()
        return None

    return servers.until(cut, f"{host.address} to be cut off in the midst of a transaction")


def _transactions(url: str, host: Host) -> int:
    """How many transactions of the host the database has open."""
    mine = f"SELECT COUNT(*) FROM pg_stat_activity WHERE client_addr = '{host.address}' AND xact_start IS NOT NULL"
    return servers.rows(url, mine)[0][0]


def _made(url: str, host: Host) -> int:
    """How many invoices the host has made."""
    return servers.rows(url, f"SELECT COUNT(*) FROM invoice_invoice WHERE host = '{host.address}'")[0][0]


def _late(url: str) -> float:
    """The seconds by which the oldest instant is late."""
    oldest = "SELECT EXTRACT(EPOCH FROM now() - MIN(next_run_time)) FROM django_apscheduler_djangojob"
    return servers.rows(url, oldest)[0][0]
