"""Invoices counted in ranges and groups of time, in time zones: compared with a plain count in Python."""

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings

from customer.models import Account
from invoice import sql, statistics
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription
from subscription_task.http import zones
from tests.fixtures import EPOCH, is_postgresql

ZONES = ("UTC", "Asia/Tehran", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana")
# Clocks are changed in these days: forward, back, by half an hour, at midnight.
TIMES = [datetime(2021, 3, 21, 12, tzinfo=UTC), datetime(2021, 9, 21, 12, tzinfo=UTC)]
TIMES += [datetime(2030, 3, 30, 12, tzinfo=UTC), datetime(2030, 10, 26, 12, tzinfo=UTC)]
TIMES += [datetime(2030, 4, 6, 12, tzinfo=UTC), datetime(2030, 10, 5, 12, tzinfo=UTC)]
TIMES += [datetime(2030, 3, 9, 12, tzinfo=UTC), datetime(2030, 11, 2, 12, tzinfo=UTC)]


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


@pytest.fixture
def client(ada, client_of):
    return client_of(ada)


def subscribe(customer, name="VM", price=5):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=False, by=customer)


def charge(subscription, time, amount=5):
    return Invoice.objects.create(
        customer_id=subscription.customer_id,
        subscription=subscription,
        amount=amount,
        start_time=time,
        end_time=time + timedelta(seconds=600),
    )


def group_of(time, unit, zone):
    """What the clocks on the wall say, with their offset: the group that a person would put it in."""
    local = time.astimezone(zone)
    if unit == "hour":
        return local.year, local.month, local.day, local.hour, local.utcoffset()
    return (local.year, local.month, local.day) if unit == "day" else (local.year, local.month)


@pytest.mark.django_db
def test_a_series_has_what_a_plain_count_has(ada, make_customer, client_of):
    """Random invoices around changes of clocks, in random ranges."""
    own = [subscribe(ada, name=f"vm {number}") for number in range(3)]
    other = subscribe(make_customer("grace"))
    client = client_of(ada)
    moment = st.integers(0, 72 * 12).map(lambda fives: timedelta(minutes=5 * fives))

    @given(
        start=st.sampled_from(TIMES),
        zone=st.sampled_from(ZONES),
        unit=st.sampled_from(["hour", "day", "month"]),
        rows=st.lists(
            st.tuples(st.integers(0, 2), moment, st.integers(1, 2**50)), max_size=30, unique_by=lambda r: r[:2]
        ),
        since=moment,
        length=st.integers(1, 90 * 12),
    )
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    def count(start, zone, unit, rows, since, length):
        begin, end = start + since, start + since + timedelta(minutes=5 * length)
        with transaction.atomic():
            for number, after, amount in rows:
                charge(own[number], start + after, amount)
                charge(other, start + after + timedelta(microseconds=number), 1)
            asked = {"from": begin.isoformat(), "to": end.isoformat(), "tz": zone, "group_by": unit}
            answer = client.get("/invoice/statistics", asked)
            by_subscription = client.get("/invoice/statistics", asked | {"group_by": "subscription"}).json()
            in_all = client.get("/invoice/statistics", {"from": begin.isoformat(), "to": end.isoformat()}).json()
            transaction.set_rollback(True)
        assert answer.status_code == 200, answer.content
        told = answer.json()
        counted = [(number, start + after, amount) for number, after, amount in rows if begin <= start + after < end]
        assert in_all == {
            "number_of_invoices": len(counted),
            "total_cost_amount": sum(amount for _, _, amount in counted),
        }
        assert {name: told[name] for name in in_all} == in_all
        assert by_subscription["series"] == [
            {
                "subscription": one.pk,
                "name": one.name,
                "number_of_invoices": sum(own[number] == one for number, _, _ in counted),
                "total_cost_amount": sum(amount for number, _, amount in counted if own[number] == one),
            }
            for one in own
        ]
        numbers, amounts = Counter(), Counter()
        for _, time, amount in counted:
            group = group_of(time, unit, ZoneInfo(zone))
            numbers[group] += 1
            amounts[group] += amount
        edge = begin
        for span in told["series"]:
            first, last = datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])
            assert first == edge < last
            assert first.utcoffset() == first.astimezone(ZoneInfo(zone)).utcoffset()
            group = group_of(first, unit, ZoneInfo(zone))
            assert group_of(last - timedelta(microseconds=1), unit, ZoneInfo(zone)) == group
            assert (span["number_of_invoices"], span["total_cost_amount"]) == (numbers.pop(group, 0), amounts[group])
            edge = last
        assert edge == end
        assert not numbers

    count()


@given(
    day=st.dates(date(1890, 1, 1), date(2090, 1, 1)),
    zone=st.sampled_from(sorted(zones.names())),
    unit=st.sampled_from(sorted(zones.UNITS)),
)
@example(day=date(2011, 12, 29), zone="Pacific/Apia", unit="day")  # the 30th was left out
@example(day=date(2006, 10, 28), zone="America/St_Johns", unit="day")  # back over midnight
@example(day=date(2006, 10, 28), zone="America/St_Johns", unit="hour")
@example(day=date(1919, 3, 30), zone="America/Toronto", unit="day")  # forward over midnight
@settings(max_examples=400, deadline=None)
def test_spans_follow_each_other_without_a_gap_in_every_zone(day, zone, unit):
    since = datetime(day.year, day.month, day.day, 7, 7, 7, 7, tzinfo=UTC)
    until = since + timedelta(days={"hour": 3, "day": 40, "month": 400}[unit])
    spans = list(zones.spans(unit, since, until, ZoneInfo(zone)))
    assert (spans[0][0], spans[-1][1]) == (since, until)
    assert all(begin < end for begin, end in spans)
    assert all(end == begin for (_, end), (begin, _) in zip(spans, spans[1:], strict=False))
    here = ZoneInfo(zone)
    for begin, end in spans:
        last = end - timedelta(microseconds=1)
        assert unit != "hour" or group_of(begin, unit, here) == group_of(last, unit, here)
        assert end == until or group_of(end, unit, here) != group_of(last, unit, here)
    longest = {"hour": 1, "day": 49, "month": 33 * 24}[unit]
    assert all(end - begin <= timedelta(hours=longest) for begin, end in spans)


@pytest.mark.parametrize(
    ("zone", "days", "hours"),
    [
        ("Asia/Tehran", ("2021-03-21", "2021-03-24"), [24, 23, 24]),
        ("Asia/Tehran", ("2021-09-21", "2021-09-24"), [25, 24, 24]),
        ("Asia/Tehran", ("2030-03-21", "2030-03-24"), [24, 24, 24]),
        ("Europe/Berlin", ("2030-03-30", "2030-04-02"), [24, 23, 24]),
        ("Europe/Berlin", ("2030-10-26", "2030-10-29"), [24, 25, 24]),
    ],
)
def test_a_day_has_23_or_25_hours_where_clocks_are_changed(client, zone, days, hours):
    asked = {"from": days[0], "to": days[1], "tz": zone, "group_by": "day"}
    series = client.get("/invoice/statistics", asked).json()["series"]
    spans = [(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in series]
    assert [(end - start) / timedelta(hours=1) for start, end in spans] == hours
    assert len(client.get("/invoice/statistics", asked | {"group_by": "hour"}).json()["series"]) == sum(hours)


def test_an_hour_that_comes_twice_is_two(ada, client):
    vm = subscribe(ada)
    first = datetime(2030, 10, 27, 0, 30, tzinfo=UTC)
    charge(vm, first, 7)
    charge(vm, first + timedelta(hours=1), 9)
    series = client.get("/invoice/statistics?from=2030-10-27&to=2030-10-28&tz=Europe/Berlin&group_by=hour").json()
    found = [
        (one["start"], one["end"], one["total_cost_amount"]) for one in series["series"] if one["number_of_invoices"]
    ]
    assert found == [
        ("2030-10-27T02:00:00+02:00", "2030-10-27T02:00:00+01:00", 7),
        ("2030-10-27T02:00:00+01:00", "2030-10-27T03:00:00+01:00", 9),
    ]


def test_without_a_range_a_series_is_from_the_first_invoice_to_now(ada, client, fake_clock):
    assert client.get("/invoice/statistics?group_by=day").json() == {
        "number_of_invoices": 0,
        "total_cost_amount": 0,
        "series": [],
    }
    vm = subscribe(ada)
    charge(vm, EPOCH + timedelta(hours=5), 3)
    charge(vm, EPOCH + timedelta(hours=30), 4)
    fake_clock.at(3 * 86_400 + 60)
    told = client.get("/invoice/statistics?group_by=day&tz=Asia/Tehran").json()
    assert (told["number_of_invoices"], told["total_cost_amount"]) == (2, 7)
    assert [(one["start"], one["total_cost_amount"]) for one in told["series"]] == [
        (f"2030-01-0{day}T00:00:00+03:30", amount) for day, amount in ((1, 3), (2, 4), (3, 0), (4, 0))
    ]
    fake_clock.at(0)  # a clock that fell back loses no invoice
    assert client.get("/invoice/statistics?group_by=month").json()["total_cost_amount"] == 7
    assert client.get("/invoice/statistics?group_by=day&from=2031-01-01").json()["series"] == []
    until = client.get("/invoice/statistics?group_by=day&to=2030-01-02T00:00:00Z").json()
    assert [one["total_cost_amount"] for one in until["series"]] == [3]


def test_sums_reach_what_a_column_holds(ada, client):
    vm = subscribe(ada)
    charge(vm, EPOCH, 2**63 - 2)
    charge(vm, EPOCH + timedelta(hours=1), 1)
    for query in ("from=2029-01-01", "group_by=month", "group_by=subscription"):
        assert client.get(f"/invoice/statistics?{query}").json()["total_cost_amount"] == 2**63 - 1
    charge(vm, EPOCH + timedelta(hours=2), 2**63 - 1)  # books that were broken by hand end no request
    assert client.get("/invoice/statistics?group_by=month").json()["total_cost_amount"] == 2**64 - 2


def test_nothing_asked_is_answered_by_the_account_alone(ada, client):
    Account.objects.filter(pk=ada.pk).update(invoice_count=7, invoice_total=70)
    for query in ("", "?tz=Asia/Tehran", "?format=json"):
        with CaptureQueriesContext(connection) as captured:
            told = client.get(f"/invoice/statistics{query}").json()
        assert told == {"number_of_invoices": 7, "total_cost_amount": 70}
        assert not any("invoice_invoice" in query["sql"] for query in captured)


def test_a_year_by_the_hour_is_told_and_two_are_refused(client):
    year = client.get("/invoice/statistics?from=2032-01-01&to=2033-01-01&group_by=hour&tz=Europe/Berlin")
    assert len(year.json()["series"]) == 366 * 24
    two = client.get("/invoice/statistics?from=2030-01-01&to=2032-01-01&group_by=hour")
    assert two.status_code == 400
    assert "10000" in two.json()["group_by"][0]


def test_just_so_many_groups_are_told_and_not_one_more(client, monkeypatch):
    monkeypatch.setattr(statistics, "MOST_SPANS", 3)
    query = "/invoice/statistics?group_by=day&from=2030-01-01&to=2030-01-0"
    assert len(client.get(f"{query}4").json()["series"]) == 3
    assert client.get(f"{query}5").status_code == 400


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("time", ["0002-01-01", "0002-01-01T00:00:00Z", "9998-12-31", "9998-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_year_are_taken(client, name, time):
    assert client.get(f"/invoice/statistics?{name}={time}").status_code == 200


def test_where_an_offset_had_seconds_times_are_told_in_utc(client):
    told = client.get("/invoice/statistics?from=1900-01-01&to=1900-01-02&tz=Asia/Tehran&group_by=day").json()
    assert [(one["start"], one["end"]) for one in told["series"]] == [("1899-12-31T20:34:16Z", "1900-01-01T20:34:16Z")]


BAD = [
    ("group_by=week", "group_by"),
    ("group_by=", "group_by"),
    ("group_by=day&group_by=day", "group_by"),
    ("tz=Mars/Olympus", "tz"),
    ("tz=", "tz"),
    ("tz=asia/tehran", "tz"),
    ("tz=localtime", "tz"),
    ("tz=../../etc/passwd", "tz"),
    ("tz=%00", "tz"),
    ("tz=UTC&tz=UTC", "tz"),
    ("tz=" + "x" * 4000, "tz"),
    ("from=2030-01-01&to=2030-01-01", "from"),
    ("from=2030-01-02&to=2030-01-01", "from"),
    ("from=2030-01-01T00:00:00Z&to=2030-01-01T01:00:00%2B01:00", "from"),
    ("from=2030-01-01&from=2030-01-02", "from"),
    ("to=2030-01-01&to=2030-01-01", "to"),
    *((f"{name}={value}", name) for name in ("from", "to") for value in (
        *("", "yesterday", "1893456000", "2030", "2030-1-1", "2030-02-30", "2030-13-01", "0000-01-01", "10000-01-01"),
        *("0001-01-01", "9999-12-31", "2030-01-01T00:00:00", "2030-01-01T24:00:00Z", "2030-01-01T00:00Z"),
        *("2030-01-01T00:00:00%2B99:00", "2030-01-01T00:00:00%2B24:00", "2030-01-01T00:00:00-0330"),
        *("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2030-01-01T00:00:00.Z", "%00", "%DB%B2%DB%B0"),
        *("2030-01-01T00:00:00.1234567890Z", "-2030-01-01", "2030-01-01%0A", "9" * 4000, "20300101T000000Z"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("query", "field"), BAD, ids=lambda value: str(value)[:50])
@pytest.mark.parametrize("path", ["/invoice/statistics", "/invoice/list"])
def test_what_is_no_range_is_refused(client, path, query, field):
    if field == "group_by" and path == "/invoice/list":
        return  # it has none, and what it does not know it ignores
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert answer["Content-Type"] == "application/json"
    assert all(isinstance(message, str) and message for message in answer.json()[field])


def test_every_wrong_parameter_is_named(client):
    answer = client.get("/invoice/statistics?from=x&to=y&tz=z&group_by=w")
    assert set(answer.json()) == {"from", "to", "tz", "group_by"}


@pytest.mark.parametrize(
    "since",
    [
        "2030-01-01T00:00:00Z",
        "2030-01-01t00:00:00z",
        "2030-01-01",
        "2030-01-01T03:30:00%2B03:30",
        "2030-01-01T03:30:00+03:30",  # a + that was not escaped
        "2029-12-31T19:00:00-05:00",
        "2029-12-31T23:59:59.999999001Z",
        "2030-01-01T00:00:00.000Z",
    ],
)
def test_a_range_begins_with_from_and_ends_before_to(ada, client, since):
    vm = subscribe(ada)
    charge(vm, EPOCH, 7)
    charge(vm, EPOCH - timedelta(microseconds=1), 100)
    assert client.get(f"/invoice/statistics?from={since}").json()["total_cost_amount"] == 7
    assert client.get(f"/invoice/statistics?to={since}").json()["total_cost_amount"] == 100
    assert [row["amount"] for row in client.get(f"/invoice/list?from={since}").json()["invoices"]] == [7]


def test_a_date_is_midnight_in_the_zone(ada, client):
    vm = subscribe(ada)
    for number, hours in enumerate((-3.5, -3.5001, 20.4999, 20.5)):
        charge(vm, EPOCH + timedelta(hours=hours), 10**number)
    told = client.get("/invoice/statistics?from=2030-01-01&to=2030-01-02&tz=Asia/Tehran").json()
    assert told["total_cost_amount"] == 101


def test_another_customers_invoices_are_in_no_number(ada, client, make_customer):
    theirs = subscribe(make_customer("grace"), name="secret")
    charge(theirs, EPOCH)
    for query in ("from=2029-01-01", "group_by=day", "group_by=month&from=2029-01-01", "group_by=subscription"):
        answer = client.get(f"/invoice/statistics?{query}")
        assert answer.json()["number_of_invoices"] == 0
        assert b"secret" not in answer.content


def test_another_customers_invoices_neither_begin_a_series_nor_end_it(ada, client, make_customer, fake_clock):
    charge(subscribe(ada), EPOCH)
    theirs = subscribe(make_customer("grace"))
    for days in (-400, 400):
        charge(theirs, EPOCH + timedelta(days=days))
    series = client.get("/invoice/statistics?group_by=month").json()["series"]
    assert [(one["start"], one["end"]) for one in series] == [("2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z")]


@pytest.mark.parametrize(
    ("query", "heads", "rows"),
    [
        ("", "number_of_invoices total_cost_amount", [["0", "0"]]),
        ("&from=2030-01-01", "number_of_invoices total_cost_amount", [["1", "5"]]),
        (
            "&from=2030-01-01&to=2030-01-02&group_by=month&tz=Asia/Tehran",
            "start end number_of_invoices total_cost_amount",
            [["2030-01-01T00:00:00+03:30", "2030-01-02T00:00:00+03:30", "1", "5"]],
        ),
        (
            "&group_by=subscription",
            "subscription name number_of_invoices total_cost_amount",
            [["{vm}", "'=1+2", "1", "5"]],
        ),
    ],
)
def test_statistics_are_had_as_csv(ada, client, query, heads, rows):
    vm = subscribe(ada, name="=1+2")
    charge(vm, EPOCH)
    answer = client.get(f"/invoice/statistics?format=csv{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="statistics.csv"'
    found = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert found == [heads.split(), *([cell.format(vm=vm.pk) for cell in row] for row in rows)]


def test_too_many_groups_are_refused_in_json_even_where_csv_is_wanted(client):
    answer = client.get("/invoice/statistics?from=2000-01-01&to=2030-01-01&group_by=hour&format=csv")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")


def plan(statement, *parameters):
    """How the database goes about it."""
    if is_postgresql():
        explained = {"postgresql": f"EXPLAIN {statement['postgresql']}"}
        return "\n".join(row[0] for row in sql.query(explained, *parameters))
    explained = {"sqlite": f"EXPLAIN QUERY PLAN {statement['sqlite']}"}
    return "\n".join(row[3] for row in sql.query(explained, *parameters))


@pytest.mark.parametrize("statement", [statistics.IN_ALL, statistics.BY_SUBSCRIPTION])
def test_a_range_is_read_along_the_index_of_a_subscriptions_times(ada, make_customer, statement):
    """Among enough rows for PostgreSQL to care."""
    own = [subscribe(ada, name=str(number)) for number in range(5)]
    own += [subscribe(make_customer(f"c{number}")) for number in range(20)]
    Invoice.objects.bulk_create(
        Invoice(
            customer_id=one.customer_id,
            subscription=one,
            amount=1,
            start_time=EPOCH + timedelta(minutes=minute),
            end_time=EPOCH + timedelta(minutes=minute + 1),
        )
        for minute in range(400)
        for one in own
    )
    assert Subscription.objects.count() == 25
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found = plan(statement, EPOCH + timedelta(minutes=5), EPOCH + timedelta(minutes=9), ada.pk)
    assert "invoice_once_per_instant" in found or "sqlite_autoindex_invoice_invoice" in found, found
    assert "Seq Scan on invoice" not in found, found
    assert "SCAN invoice" not in found, found
