"""Three months of the invented provider, played into a database of their own; they end now, so billing goes on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from random import Random

from django.contrib.contenttypes.models import ContentType
from django.core.management.sql import emit_post_migrate_signal
from django.db import DEFAULT_DB_ALIAS

from customer import clock
from invoice import tallies
from invoice.checks import report
from invoice.simulation import machine, scratch
from operators import samples
from operators.demo import staff
from operators.demo.cast import COMPANIES, METERED, PEOPLE, SERVERS
from operators.demo.customers import Who, regular, trial, trickster

DAYS = 90
CUSTOMERS = [Who(*person) for person in PEOPLE] + [Who(company) for company in COMPANIES]
AT_FIRST = 0.25
"""The share of the customers that the provider begins with; the others join one by one."""
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SET_ASIDE = "harbour-clinic"


def fill(
    path: Path, *, password: str, progress: machine.Progress, customers: list[Who] = CUSTOMERS, days: int = DAYS
) -> None:
    """Makes a database at `path` with `customers` and some more, and `days` of history until now.

    Operators log in with `password`. Raises NoForecast where its books do not add up.
    """
    with scratch.database_at(path), _quiet(), _types_of_this_database():
        emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
        end = clock.now()
        begin = end - days * DAY
        with scratch.virtual_clock(begin):
            operator = staff.hire(password)
        actors = [*_customers(customers, begin, end), *_cases(begin, end), _housekeeping(begin, end)]
        actors.append(staff.operator(by=operator, begin=begin, end=end, random=Random("operator")))
        machine.live([_until(end, actor) for actor in actors], begin=begin, end=end, progress=progress)


def _customers(customers: list[Who], begin: datetime, end: datetime) -> Iterator[Iterator[datetime]]:
    """Those who come and stay, in an order that is not the alphabet's."""
    order = Random("order").sample(customers, len(customers))
    first = max(round(AT_FIRST * len(order)), 1)
    for number, who in enumerate(order):
        random = Random(who.username)
        later = max(number - first, 0) / max(len(order) - first, 1)
        joins = begin + later * 0.97 * (end - begin) + random.random() * 12 * HOUR
        yield regular(who=who, joins=joins, meters=end - 1.5 * DAY, random=random)


def _cases(begin: datetime, end: datetime) -> list[Iterator[datetime]]:
    """What an operator should find: one who has run dry, two who will in minutes and in hours, one who tricks, one
    whose rows were broken by hand.
    """
    build, dear = METERED[1], SERVERS[3]
    minutes, hours = 15_000 // build.price, 50_000 // dear.price
    leila = Who("leila", "لیلا", "کریمی")
    return [
        trial(who=Who("paper-lantern"), joins=end - 2.5 * DAY, credit=20_000, products=[dear]),
        trial(who=leila, joins=end - minutes * MINUTE + 9 * MINUTE, credit=15_000, products=[build]),
        trial(who=Who("marlow-films"), joins=end - hours * HOUR + 1.6 * HOUR, credit=50_000, products=[dear]),
        trickster(who=Who("free-rider"), joins=end - 3 * DAY, begin=end - 0.6 * DAY, times=7),
        trial(who=Who(SET_ASIDE), joins=end - 2.2 * DAY, credit=100_000, products=SERVERS[:2]),
        staff.mishap(username=SET_ASIDE, at=end - 0.7 * HOUR),
    ]


def _housekeeping(begin: datetime, end: datetime) -> Iterator[datetime]:
    """The actor that does what a scheduler does: now and then, and in the last day as often as plots show."""
    time, night = begin, (end - 4 * HOUR).replace(hour=3, minute=0)
    checked = False
    while True:
        time += 10 * MINUTE if time >= end - DAY else 6 * HOUR
        yield time
        staff.bill()
        tallies.compact()
        if time >= end - DAY:
            samples.sample()
        if time >= night and not checked:
            checked = True
            report.record(report.run(progress=lambda _: None))


def _until(end: datetime, actor: Iterator[datetime]) -> Iterator[datetime]:
    """The actor, who does nothing any more once `end` has come."""
    return takewhile(lambda time: time < end, actor)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is logged of what happens in the past."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _types_of_this_database() -> Iterator[None]:
    """Forgets the ids of content types that are another database's."""
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        ContentType.objects.clear_cache()
