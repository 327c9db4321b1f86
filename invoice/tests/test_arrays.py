"""What Python sends in arrays is what PostgreSQL has, and what it sends back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice import instants, sql
from invoice.arrays import Instants, Numbers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("postgresql")]

NUMBERS = st.integers(-(2**63), 2**63 - 1)
SECONDS = st.integers(-62_000_000_000, 250_000_000_000)
TIMES = st.builds(lambda second, tick: instants.EPOCH + timedelta(0, second, tick), SECONDS, st.integers(0, 999_999))
BACK = "SELECT * FROM unnest(%b::bigint[], %b::timestamptz[]) AS v(number, instant)"


def there_and_back(numbers, times):
    with sql._cursor() as cursor:
        cursor.execute(BACK, [Numbers(numbers), Instants(times)])
        return cursor.fetchall()


@given(st.lists(st.tuples(st.none() | NUMBERS, st.none() | TIMES)))
def test_numbers_instants_and_nulls_come_back_as_they_went(rows):
    sent = [(number, time and instants.of(time)) for number, time in rows]
    columns = [list(column) for column in zip(*sent, strict=True)] or [[], []]
    assert there_and_back(*columns) == sent


@given(TIMES)
def test_an_instant_is_the_time_that_postgresql_takes_it_for(time):
    with sql._cursor() as cursor:
        cursor.execute("SELECT to_json((%b::timestamptz[])[1])::text", [Instants([instants.of(time)])])
        ((text,),) = cursor.fetchall()
    assert datetime.fromisoformat(json.loads(text)) == time == instants.time(instants.of(time))


@pytest.mark.parametrize(
    ("number", "error"), [(2**63, OverflowError), (-(2**63) - 1, OverflowError), ("1", TypeError), (1.0, TypeError)]
)
def test_what_does_not_fit_or_is_no_whole_number_is_refused(number, error):
    with pytest.raises(error):
        there_and_back([1, number], [None, None])


def test_a_second_is_a_million_instants():
    moon = datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)
    assert instants.of(moon + timedelta(seconds=1)) - instants.of(moon) == instants.SECOND
