"""What a process that runs for long says on stdout and stderr: it is never what ends it."""

import io
import os
import sys


class _Lossy(io.FileIO):
    """What cannot be written (a full disk, a reader that is gone) is lost."""

    def write(self, said: bytes) -> int:
        try:
            return super().write(said) or 0
        except OSError:
            return len(said)


def never_fails() -> None:
    """From here on, nothing that is said on stdout and stderr raises, also where they are closed.

    For what runs for long: a command whose output is its result must fail where nobody gets it.
    """
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            _fill(descriptor)
        stream = io.TextIOWrapper(
            io.BufferedWriter(_Lossy(descriptor, "w", closefd=False)),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _fill(descriptor: int) -> None:
    """Puts the null device in the place of what is closed: else a connection would get its number, and the output."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
