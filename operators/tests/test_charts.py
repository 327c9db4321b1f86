"""Where the marks of plots lie."""

import pytest

from operators import charts
from operators.charts import HEIGHT, WIDTH


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ([], 1),
        ([0], 1),
        ([1], 1),
        ([3], 5),
        ([2, 7], 10),
        ([10], 10),
        ([11], 20),
        ([21], 25),
        ([260], 500),
        ([1e9], 1e9),
    ],
)
def test_an_axis_ends_at_a_round_number_no_less_than_all_values(values, end):
    assert charts.top(values) == end


def test_bars_stand_side_by_side_on_the_floor_as_high_as_their_values():
    first, second, third = charts.bars([5, 0, 10])
    assert (first.left, second.left, third.left) == (0, WIDTH / 3, 2 * WIDTH / 3)
    assert [bar.height for bar in (first, second, third)] == [HEIGHT / 2, 0, HEIGHT]
    assert all(bar.y + bar.height == HEIGHT for bar in (first, second, third))
    assert all(bar.left < bar.x and bar.x + bar.width < bar.left + bar.place for bar in (first, second, third))


def test_areas_stand_on_each_other_from_the_first_moment_to_the_last():
    low, high = charts.layers([[1, 1], [2, 3]], [100, 200])
    assert low == "M0.0,96.0 600.0,72.0 600.0,120.0 0.0,120.0Z"
    assert high == "M0.0,72.0 600.0,0.0 600.0,72.0 0.0,96.0Z"


def test_one_moment_makes_no_area():
    assert charts.layers([[1, 1]], [100]) == []
    assert charts.layers([], []) == []
