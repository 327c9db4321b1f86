"""The sign of life that a server wants from a process which is busy with one long answer."""

from collections.abc import Callable

beat: Callable[[], None] = lambda: None  # noqa: E731 - gunicorn.conf.py puts its worker's own here
"""To be called now and then while an answer is being made."""
