"""The time machine itself: actors take turns on the virtual clock, and the scheduler is one of them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from heapq import merge

from customer import clock
from customer.models import SetAside
from invoice import billing
from invoice.checks import report
from invoice.schedulers import Scheduler
from invoice.simulation import copying, forecast, provider, scratch
from invoice.simulation.forecast import Forecast, NoForecast

PASSES = 60
"""How often the scheduler looks, over however many days: lag changes nothing, but for how a progress bar moves."""

Progress = Callable[[float], None]
"""Told, PASSES times, which share of the time has passed, up to 1."""


def of_invented(*, customers: int, seed: int, days: int, progress: Progress) -> Forecast:
    """What so many invented customers come to in `days`: the same for the same `seed`. Raises NoForecast."""
    begin, end = provider.EPOCH, provider.EPOCH + timedelta(days=days)
    actors = [provider.customer(number=number, seed=seed, end=end) for number in range(1, customers + 1)]
    with scratch.database():
        live(actors, begin=begin, end=end, progress=progress)
        return forecast.collect(begin=begin, end=end)


def of_copy(*, days: int, progress: Progress) -> Forecast:
    """What this thread's database comes to in `days` from now, if nobody does anything. Only reads it.

    Raises NoForecast.
    """
    copy = copying.read()
    end = copy.at + timedelta(days=days)
    with scratch.database():
        copying.write(copy)
        live([], begin=copy.at, end=end, progress=progress)
        return forecast.collect(begin=copy.at, end=end, set_aside=copy.set_aside)


def live(actors: list[Iterator[datetime]], *, begin: datetime, end: datetime, progress: Progress) -> None:
    """Lets time pass from `begin` to `end` in the scratch database, then proves its books. Raises NoForecast.

    An actor is an iterator that yields the time of what it does next, and does it when it is asked for the time after.
    """
    if Scheduler.running():
        raise RuntimeError("A scheduler bills in this process and would go by the virtual clock: simulate in another.")
    with scratch.virtual_clock(begin) as virtual:
        for time in merge(*actors, _scheduler(begin, end, progress)):
            virtual.time = time  # and the actor acts when the merge goes on
        set_aside = set(SetAside.objects.values_list("pk", flat=True))
        faults = [fault for fault in report.run(progress=lambda _: None).faults if fault.account not in set_aside]
    if faults:
        raise NoForecast("\n".join(["The checks found faults in the simulation's books:", *map(str, faults)]))


def _scheduler(begin: datetime, end: datetime, progress: Progress) -> Iterator[datetime]:
    """The actor that bills, the last time at `end`."""
    for number in range(1, PASSES + 1):
        yield begin + (end - begin) * number / PASSES
        while (due := billing.next_due()) and due <= clock.now():
            billing.run_pass()
        progress(number / PASSES)
