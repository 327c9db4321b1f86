"""What the passes of a process have come to, for those who watch it."""

from dataclasses import dataclass, field
from datetime import datetime

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The seconds up to which passes are counted together, as in a Prometheus histogram."""


@dataclass
class Work:
    """Passes that billed something, and those that failed. The others, which found nothing due, are not counted.

    `up_to[i]` passes took at most BOUNDS[i] seconds; the last one counts all.
    """

    passes: int = 0
    invoices: int = 0
    seconds: float = 0.0
    failures: int = 0
    up_to: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    last_at: datetime | None = None
    last_invoices: int = 0
    last_seconds: float = 0.0

    def count(self, *, at: datetime, invoices: int, seconds: float) -> None:
        """Counts a pass that billed so many invoices and ended at `at`."""
        self.passes += 1
        self.invoices += invoices
        self.seconds += seconds
        for place, bound in enumerate((*BOUNDS, float("inf"))):
            self.up_to[place] += seconds <= bound
        self.last_at, self.last_invoices, self.last_seconds = at, invoices, seconds
