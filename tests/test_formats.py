"""How numbers and times are shown in each language, and how what is kept in English is."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.template import Context, Template
from django.utils.translation import override

from customer.admin_log import DELETED, REASON
from invoice import steps
from invoice.checks import words
from subscription_task.formats import numbers, sentences, times

pytestmark = pytest.mark.once
MARKS = dict.fromkeys(map(ord, "\u200e\u2067\u2068\u2069"))
NOON = datetime(2026, 11, 24, 12, 30, 5, tzinfo=UTC)


def persian(function, *args, **options):
    """What it says in Persian, without the marks that keep its parts apart."""
    with override("fa"):
        return str(function(*args, **options)).translate(MARKS)


@pytest.mark.parametrize(
    ("value", "english", "in_persian"),
    [
        (0, "0", "۰"),
        (999, "999", "۹۹۹"),
        (1_234_567, "1,234,567", "۱٬۲۳۴٬۵۶۷"),
        (-5000, "-5,000", "−۵٬۰۰۰"),
        (2**63 - 1, "9,223,372,036,854,775,807", "۹٬۲۲۳٬۳۷۲٬۰۳۶٬۸۵۴٬۷۷۵٬۸۰۷"),
    ],
)
def test_a_number_has_separators_and_the_digits_of_the_language(value, english, in_persian):
    assert numbers.number(value) == english
    assert persian(numbers.number, value) == in_persian


def test_a_sign_stands_to_the_left_of_its_digits():
    with override("fa"):
        assert numbers.change(-5) == "\u200e−۵"
        assert numbers.change(5) == "\u200e+۵"
    assert (numbers.change(5), numbers.change(-5)) == ("+5", "-5")


def test_fractions_and_powers_follow_the_language():
    assert persian(numbers.number, 1234.56, 1) == "۱٬۲۳۴٫۶"
    assert [persian(numbers.compact, value) for value in (950, 192_000, 4_570_000, 2.5e9)] == [
        "۹۵۰",
        "۱۹۲ هزار",
        "۴٫۵۷ میلیون",
        "۲٫۵ میلیارد",
    ]


def test_so_many_rows_are_one_or_many_or_perhaps_more():
    assert [numbers.rows(count, "row", "rows") for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert numbers.rows(1, "row", "rows", bounded=True) == "1 or more rows"
    assert persian(numbers.rows, 2, "مشتری", "مشتریان") == "۲ مشتری"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("250000", 250_000),
        ("۲۵۰٬۰۰۰", 250_000),
        ("٢٥٠٠٠٠", 250_000),
        (" 250,000 ", 250_000),
        ("−۵", -5),
        ("\u200e-۱٬۲۳۴", -1234),
        ("1'234'567", 1_234_567),
    ],
)
def test_an_amount_may_be_written_in_any_digits_and_with_separators(written, number):
    assert int(numbers.plain(written)) == number


@pytest.mark.parametrize("written", ["12,34", "1,2345", "1.5", "1e3", "۱۲٫۵", "1,234٬567", "", "-", "۵ تومان"])
def test_what_is_no_whole_number_stays_none(written):
    with pytest.raises(ValueError, match="invalid literal"):
        int(numbers.plain(written))


@pytest.mark.parametrize(
    ("day", "in_persian"),
    [
        (date(2026, 11, 24), "۳ آذر ۱۴۰۵"),
        (date(2025, 3, 20), "۳۰ اسفند ۱۴۰۳"),  # of a leap year
        (date(2025, 3, 21), "۱ فروردین ۱۴۰۴"),
        (date(2026, 3, 20), "۲۹ اسفند ۱۴۰۴"),
        (date(1979, 2, 11), "۲۲ بهمن ۱۳۵۷"),
        (date(2030, 1, 1), "۱۲ دی ۱۴۰۸"),
    ],
)
def test_a_day_is_one_of_the_solar_hijri_calendar(day, in_persian):
    assert persian(times.text, day, "DATE_FORMAT") == in_persian


def test_a_time_is_utc_and_says_so_whatever_zone_it_comes_in():
    tehran = NOON.astimezone(timezone(timedelta(hours=3, minutes=30)))
    for at in (NOON, tehran):
        assert persian(times.text, at) == "۳ آذر ۱۴۰۵ ۱۲:۳۰:۰۵ UTC"
        assert times.text(at) == "2026-11-24 12:30:05"


def test_programs_read_the_instant_in_iso_8601_in_every_language():
    template = Template('{% moment at %} {{ at|date:"c" }}')
    for language in ("en", "fa"):
        with override(language):
            shown = template.render(Context({"at": NOON}))
        assert shown.count("2026-11-24T12:30:05+00:00") == 3


def test_the_filter_of_dates_is_of_the_language_and_numbers_in_attributes_are_not():
    template = Template('{{ at|date:"j F Y" }} {{ 1234.5 }} {{ 1234|number }}')
    with override("fa"):
        assert template.render(Context({"at": NOON})).translate(MARKS) == "۳ آذر ۱۴۰۵ 1234.5 ۱٬۲۳۴"


def test_what_runs_the_other_way_is_kept_apart_from_what_stands_beside_it():
    with override("fa"):
        assert times.text(NOON) == "\u2067۳ آذر ۱۴۰۵ ۱۲:۳۰:۰۵ UTC\u2069"
        assert sentences.shown("Somebody wrote this.") == "\u2068Somebody wrote this.\u2069"
        assert sentences.shown(REASON % {"quoted": "VIP (Deleted.)"}).endswith("\u2068VIP (Deleted.)\u2069")


def test_lengths_of_time_are_said_in_words():
    assert [times.period(seconds) for seconds in (1, 600, 5400, 90_061)] == [
        "1 second",
        "10 minutes",
        "1 hour 30 minutes",
        "1 day 1 hour 1 minute 1 second",
    ]
    assert persian(times.period, 5400) == "۱ ساعت و ۳۰ دقیقه"
    assert times.ago(timedelta(seconds=61)) == "1 min ago"
    assert persian(times.ago, timedelta(hours=5)) == "۵ ساعت پیش"


@pytest.mark.parametrize(
    ("seconds", "long", "ago"),
    [
        (-5, None, "0 s ago"),  # two hosts whose clocks differ
        (0, "0 seconds", "0 s ago"),
        (59, "59 seconds", "59 s ago"),
        (60, "60 seconds", "1 min ago"),
        (119, "119 seconds", "1 min ago"),
        (120, "2 minutes", "2 min ago"),
        (3600, "60 minutes", "1 h ago"),
        (7200, "2 hours", "2 h ago"),
        (86_400, "24 hours", "1 d ago"),
        (172_800, "2 days", "2 d ago"),
    ],
)
def test_a_length_is_in_the_largest_unit_that_it_holds(seconds, long, ago):
    assert times.ago(timedelta(seconds=seconds)) == ago
    assert long is None or times.span(timedelta(seconds=seconds)) == long


def test_every_sign_of_a_format_of_dates_follows_the_calendar():
    assert persian(times.text, date(2026, 3, 21), "Y-m-d y n j t L z F") == "۱۴۰۵-۰۱-۰۱ ۰۵ ۱ ۱ ۳۱ False ۱ فروردین"


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [
        (date(2026, 11, 24), (date(2026, 11, 22), date(2026, 12, 22)), (date(2026, 3, 21), date(2027, 3, 21))),
        (date(2025, 3, 20), (date(2025, 2, 19), date(2025, 3, 21)), (date(2024, 3, 20), date(2025, 3, 21))),
    ],
)
def test_a_month_and_a_year_are_those_of_the_calendar(day, month, year):
    with override("fa"):
        assert (times.month_of(day), times.year_of(day)) == (month, year)
    assert times.month_of(day) == (day.replace(day=1), (day.replace(day=28) + timedelta(days=4)).replace(day=1))
    assert times.year_of(day) == (date(day.year, 1, 1), date(day.year + 1, 1, 1))


def test_what_is_kept_in_english_is_shown_in_the_language_of_the_page():
    kept = " ".join([str(DELETED), REASON % {"quoted": "Deleted."}])
    assert sentences.shown(kept) == kept
    assert persian(sentences.shown, kept) == "حذف شد. دلیل: Deleted."


def test_what_stands_in_a_sentence_is_read_too():
    step = steps.MOVES % {
        "subscription": steps.SUBSCRIPTION % {"id": 7},
        "stood": "2026-11-24 12:30:05+00",
        "time": "x",
    }
    assert persian(sentences.shown, step) == "کار اشتراک 7 از ۳ آذر ۱۴۰۵ ۱۲:۳۰:۰۵ UTC به x جابه‌جا می‌شود."


def test_what_is_no_sentence_of_ours_stays_as_it_is():
    assert persian(sentences.shown, "Somebody wrote this. Deleted.") == "Somebody wrote this. Deleted."


def test_every_sentence_is_recognised_and_translated():
    unlike = []
    for said in sentences.known():
        holes = {name: f"w{number}" for number, name in enumerate(re.findall(r"%\((\w+)\)s", said.english))}
        shown = persian(sentences.shown, said % holes)
        if shown == said % holes or not all(value in shown.casefold() for value in holes.values()):
            unlike.append(said.english)
    assert unlike == []
    assert len(list(sentences.known())) > 90


def test_a_fault_is_shown_with_all_it_names():
    message = words.INVOICE_MISSING % {
        "count": "5 instants",
        "time": "2026-11-24 12:30:05",
        "instants": "2026-11-24 12:00:00, 2026-11-24 12:10:00 and 3 more",
    }
    shown = persian(sentences.shown, f"account 5, subscription 7: {message} [invoice_missing]")
    assert shown.startswith("حساب 5، اشتراک 7: ۵ لحظه پیش از ۳ آذر ۱۴۰۵ ۱۲:۳۰:۰۵ UTC")
    assert "۳ آذر ۱۴۰۵ ۱۲:۱۰:۰۰ UTC و ۳ مورد دیگر" in shown
    assert shown.endswith("[invoice_missing]")
