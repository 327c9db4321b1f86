"""Hosts of a network: network namespaces, each behind a router of its own that can fall silent."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.chaos.place import NotHere


class Host:
    """A host at `address`, which reaches this machine at `gateway`. Processes run there by way of `through`."""

    def __init__(self, number: int) -> None:
        self._name, self._router = f"chaos-host-{number}", f"chaos-router-{number}"
        self._link = f"chaos{number}"
        # 198.18.0.0/15 is set apart for tests. This machine's side of the link is wide, so that PostgreSQL's "samenet"
        # holds the host, which is behind the router.
        self._net = f"198.18.{number}"
        self.gateway, self.address = f"{self._net}.1", f"{self._net}.6"
        self.through = ["ip", "netns", "exec", self._name]

    def __enter__(self) -> "Host":
        self._remove()  # what a run that was killed has left
        for command in (
            f"netns add {self._router}",
            f"netns add {self._name}",
            f"link add {self._link} type veth peer name outer netns {self._router}",
            f"-netns {self._router} link add inner type veth peer name outer netns {self._name}",
            f"address add {self.gateway}/24 dev {self._link}",
            f"-netns {self._router} address add {self._net}.2/30 dev outer",
            f"-netns {self._router} address add {self._net}.5/30 dev inner",
            f"-netns {self._name} address add {self.address}/30 dev outer",
            f"link set {self._link} up",
            f"-netns {self._router} link set outer up",
            f"-netns {self._router} link set inner up",
            f"-netns {self._name} link set outer up",
            f"route add {self._net}.4/30 via {self._net}.2",
            f"-netns {self._router} route add default via {self.gateway}",
            f"-netns {self._name} route add default via {self._net}.5",
        ):
            try:
                subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=True)
            except subprocess.CalledProcessError:
                self._remove()
                raise
        self._shell = subprocess.Popen(
            ["ip", "netns", "exec", self._router, "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.heal()
        return self

    def __exit__(self, *error: object) -> None:
        self._shell.communicate()
        self._remove()

    def cut(self) -> None:
        """From now on what is sent is lost, and nobody is told: no reset, no refusal, the links stay up."""
        self._forward(0)

    def heal(self) -> None:
        """The link is as it was."""
        self._forward(1)

    def _forward(self, number: int) -> None:
        # In a shell that is there: a cut must come in the midst of a pass that was just seen.
        print(f"echo {number} > /proc/sys/net/ipv4/ip_forward; echo done", file=self._shell.stdin, flush=True)
        assert self._shell.stdout.readline() == "done\n"

    def _remove(self) -> None:
        # A namespace takes its links with it, but in its own time.
        for what in (f"link delete {self._link}", f"netns delete {self._name}", f"netns delete {self._router}"):
            subprocess.run(["ip", *what.split()], capture_output=True, check=False)


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts that do not know each other. Raises NotHere."""
    if not sys.platform.startswith("linux") or shutil.which("ip") is None:
        raise NotHere("it wants network namespaces: Linux, with iproute2")
    with ExitStack() as stack:
        try:
            made = [stack.enter_context(Host(number)) for number in range(1, count + 1)]
        except subprocess.CalledProcessError as error:
            raise NotHere(f"it wants to make network namespaces, as root: {error.stderr.strip()}") from error
        yield made
