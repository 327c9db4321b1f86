"""What all processes of a server have answered, counted in memory that its master made before it forked them.

No file: nothing that is swept away, full or cut short can stand in the way of an answer. gunicorn.conf.py gives each
worker a part of its own, so none waits for another; what a worker counted stays when it is gone, and its successor goes
on from there. Without a master there is one process and one part.
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterator
from threading import Lock

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The seconds up to which requests are counted together."""
WORKERS = 128
"""The parts there are. A worker beyond them counts for itself alone."""
KINDS = 1_000
"""How many kinds of requests a part holds; those that come later are not counted."""
_KEY = 120
"""The bytes of a kind: its length, and as much of its endpoint as fits."""
_NUMBERS = len(SECONDS) + 2
"""Of a kind: how many took at most SECONDS[i], and no less; how many took longer; the seconds of all."""
_DOUBLE = 8
_ROW = _KEY // _DOUBLE + _NUMBERS
"""The doubles of a kind."""

Kind = tuple[str, str, str]
"""Endpoint, method and status."""


class RequestCounts:
    """Of a process and those that are forked from it. Threads take turns; processes need not."""

    def __init__(self) -> None:
        self._map()
        self._free = list(range(WORKERS))[::-1]  # the master's alone
        self._lock = Lock()
        self.use(self.take())

    def _map(self) -> None:
        self._bytes = mmap.mmap(-1, WORKERS * KINDS * _ROW * _DOUBLE)  # of which only what is written takes memory
        self._doubles = memoryview(self._bytes).cast("d")

    def take(self) -> int | None:
        """A free part, for a worker about to be forked; None where there is none."""
        return self._free.pop() if self._free else None

    def give_back(self, part: int | None) -> None:
        """The worker that had `part` is gone; what it has counted stays."""
        if part is not None:
            self._free.append(part)

    def use(self, part: int | None) -> None:
        """Has this process count in `part`."""
        if part is None:
            part = 0
            self._map()
        self._lock = Lock()
        self._first = part * KINDS * _ROW
        self._places = {kind: place for place, kind in self._kinds(self._first)}

    def add(self, kind: Kind, seconds: float) -> None:
        """Counts an answer of that kind, which took so long."""
        with self._lock:
            place = self._places.get(kind)
            if place is None:
                if len(self._places) == KINDS:
                    return
                place = self._places[kind] = self._begin(kind)
            self._doubles[place + bisect_left(SECONDS, seconds)] += 1
            self._doubles[place + _NUMBERS - 1] += seconds

    def total(self) -> dict[Kind, list[float]]:
        """The numbers of each kind, over all processes."""
        found: dict[Kind, list[float]] = {}
        for part in range(WORKERS):
            for place, kind in self._kinds(part * KINDS * _ROW):
                numbers = self._doubles[place : place + _NUMBERS]
                found[kind] = [old + new for old, new in zip(found.get(kind, [0] * _NUMBERS), numbers, strict=True)]
        return found

    def _begin(self, kind: Kind) -> int:
        """Writes a kind behind the others of this part, its length last, by which it is there."""
        begin = self._first + len(self._places) * _ROW
        endpoint, method, status = (each.encode() for each in kind)
        text = b"\n".join((endpoint[: _KEY - 3 - len(method) - len(status)], method, status))
        at = begin * _DOUBLE
        self._bytes[at + 1 : at + 1 + len(text)] = text
        self._bytes[at] = len(text)
        return begin + _KEY // _DOUBLE

    def _kinds(self, first: int) -> Iterator[tuple[int, Kind]]:
        """The kinds of a part, and where the numbers of each begin."""
        for begin in range(first, first + KINDS * _ROW, _ROW):
            at = begin * _DOUBLE
            if not (length := self._bytes[at]):
                return
            endpoint, method, status = self._bytes[at + 1 : at + 1 + length].decode(errors="replace").split("\n")
            yield begin + _KEY // _DOUBLE, (endpoint, method, status)


counts = RequestCounts()
"""This process's, which locks what its threads share."""
