"""`localhost` is two addresses, ::1 and 127.0.0.1: who asks either is answered, also without the first."""

import runpy
import socket
import subprocess
import sys
from collections.abc import Callable
from urllib.error import URLError

import pytest

from tests import servers

WITHOUT_IPV6 = ["unshare", "--map-root-user", "--net", "sh", "-euc"]
OFF = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up"
# In a network of its own, so the ports are what they are by themselves.
SERVES = f"""{OFF}
"$@" &
until {sys.executable} deploy/probe.py 8000 /healthz 2>/dev/null; do kill -0 $!; sleep 0.1; done
kill $!
"""
CONFIGURED = runpy.run_path(str(servers.ROOT / "gunicorn.conf.py"))["bind"]
"""Where gunicorn answers with nothing said."""

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="wants process groups and signals"),
]


def no_network_of_its_own() -> bool:
    try:
        return subprocess.run([*WITHOUT_IPV6, OFF], capture_output=True, check=False).returncode != 0
    except FileNotFoundError:
        return True


def serve(port: int) -> list[str]:
    return [*servers.MANAGE, "serve", str(port)]


def runserver(port: int) -> list[str]:
    return [*servers.MANAGE, "runserver", "--noreload", str(port)]


def gunicorn(port: int) -> list[str]:
    binds = [word for bind in CONFIGURED for word in ("--bind", bind.replace(":8000", f":{port}"))]
    return [*servers.GUNICORN, *binds]


def gunicorn_everywhere(port: int) -> list[str]:
    return [*servers.GUNICORN, "--bind", f"[::]:{port}"]


@pytest.mark.parametrize("command", [serve, runserver, gunicorn, gunicorn_everywhere])
def test_both_addresses_of_localhost_answer(command: Callable[[int], list[str]]):
    settings = (
        servers.PRODUCTION | {"DJANGO_ALLOWED_HOSTS": "[::1],127.0.0.1"} if "gunicorn" in command.__name__ else {}
    )
    port = servers.free_port()
    with (
        servers.database("") as url,
        servers.Process(command(port), DATABASE_URL=url, SCHEDULER="off", **settings) as server,
    ):
        for host in ("[::1]", "127.0.0.1", "localhost"):
            base = f"http://{host}:{port}"
            servers.until(lambda base=base: answers(server, base), f"an answer at {base}")
            if host != "localhost":
                assert servers.request(base, "GET", "/")[1]["documents"]["openapi"].startswith(f"{base}/")


def answers(server: servers.Process, base: str) -> bool:
    assert server.popen.poll() is None, server.output
    try:
        return servers.request(base, "GET", "/readyz")[0] == 200
    except (URLError, OSError):
        return False


@pytest.mark.skipif(no_network_of_its_own(), reason="wants to make a network without IPv6, with unshare and ip")
@pytest.mark.parametrize(
    "command",
    [serve(8000), runserver(8000), servers.GUNICORN],
    ids=["serve", "runserver", "gunicorn"],
)
def test_a_machine_without_ipv6_serves_all_the_same(command):
    settings = servers.PRODUCTION if command == servers.GUNICORN else {}
    with servers.database("") as url:
        done = subprocess.run(
            [*WITHOUT_IPV6, SERVES, "sh", *command],
            cwd=servers.ROOT,
            env=servers.environment(DATABASE_URL=url, SCHEDULER="off", **settings),
            capture_output=True,
            text=True,
            timeout=servers.PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "more", "said"), [("runserver", ["--noreload"], "already in use"), ("demo", [], "cannot be used")]
)
def test_a_port_that_another_has_on_ipv6_is_refused(command, more, said):
    """Browsers would come to that other one."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        done = servers.manage(command, *more, str(other.getsockname()[1]))
    assert done.returncode == 1
    assert said in done.stderr
