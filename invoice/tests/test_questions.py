"""The invoices that are asked for: by subscription, time and amount, page by page and as a file."""

import asyncio
import csv
import io
import re
from datetime import timedelta
from itertools import product
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from rest_framework_simplejwt.tokens import AccessToken

from customer import accounts
from customer.models import Account
from invoice import invoices, statements
from invoice.invoices import Question
from invoice.models import Invoice
from subscription import subscriptions
from subscription_task.http import csv_files
from tests.fixtures import EPOCH, is_postgresql

HEADS = ["id", "customer", "subscription", "amount", "start_time", "end_time"]
MEGABYTE = 2**20


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


@pytest.fixture
def client(ada, client_of):
    return client_of(ada)


def subscribe(customer, name="VM", price=5):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=False, by=customer)


def charge(*given, minutes=range(1), amount=lambda subscription, minute: subscription.price):
    """Invoices of some subscriptions in the order of their times."""
    return Invoice.objects.bulk_create(
        Invoice(
            customer_id=one.customer_id,
            subscription=one,
            amount=amount(one, minute),
            start_time=EPOCH + timedelta(minutes=minute),
            end_time=EPOCH + timedelta(minutes=minute + 1),
        )
        for minute in minutes
        for one in given
    )


@pytest.fixture
def charged(ada, make_customer):
    """Three subscriptions of Ada's, charged at the same times, and somebody else's between them."""
    own = [subscribe(ada, price=price) for price in (5, 6, 7)]
    charge(*own, subscribe(make_customer("grace")), minutes=range(20), amount=lambda one, m: one.price + m % 3)
    return own


def time(minute):
    return (EPOCH + timedelta(minutes=minute)).isoformat()


def walk(client, url, key="next"):
    """The ids of all pages."""
    found = []
    while url:
        page = client.get(url).json()
        ids = [row["id"] for row in page["invoices"]]
        found = [*found, *ids] if key == "next" else [*ids, *found]
        url = page[key]
    return found


QUESTIONS = [
    {"from": 3, "to": 11},
    {"from": 3},
    {"to": 11},
    {"subscription": 1},
    {"subscription": 1, "from": 3, "to": 11},
    {"amount": 7},
    {"amount_min": 7},
    {"amount_max": 6},
    {"amount_min": 6, "amount_max": 7},
    {"amount": 7, "subscription": 0, "from": 1, "to": 19},
    {"amount": 7, "amount_min": 8},
    {"amount": 0},
    {"from": 30},
]


def asked(question, own):
    said = {name: value for name, value in question.items() if name.startswith("amount")}
    said |= {name: time(question[name]) for name in ("from", "to") if name in question}
    return said | ({"subscription": own[question["subscription"]].pk} if "subscription" in question else {})


def expected(question, ada, own):
    """What a plain walk through all of them finds."""
    return [
        row.pk
        for row in Invoice.objects.of(ada).order_by("-id")
        if question.get("from", 0) <= (row.start_time - EPOCH) / timedelta(minutes=1) < question.get("to", 999)
        and ("subscription" not in question or row.subscription_id == own[question["subscription"]].pk)
        and row.amount in {question.get("amount", row.amount)}
        and question.get("amount_min", 0) <= row.amount <= question.get("amount_max", 999)
    ]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_pages_have_what_was_asked_for_newest_first_and_each_once(ada, client, charged, question, size):
    first = client.get("/invoice/list", asked(question, charged) | {"page_size": size})
    assert first.status_code == 200
    page, found = first.json(), expected(question, ada, charged)
    ids = [row["id"] for row in page["invoices"]]
    assert ids + walk(client, page["next"]) == found
    while page["next"]:
        page = client.get(page["next"]).json()
    last = [row["id"] for row in page["invoices"]]
    assert walk(client, page["previous"], "previous") + last == found


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
@pytest.mark.parametrize("rows", [1, 4, 2000])
def test_a_file_has_all_that_was_asked_for(ada, client, charged, question, rows, monkeypatch):
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", rows)
    monkeypatch.setattr(invoices, "ROWS_LOOKED_THROUGH", rows)
    answer = client.get("/invoice/list", asked(question, charged) | {"format": "csv", "page_size": 1, "cursor": "x"})
    heads, *found = csv.reader(io.StringIO(answer.getvalue().decode()))
    assert heads == HEADS
    assert [int(row[0]) for row in found] == expected(question, ada, charged)


def test_rows_that_somebody_wrote_by_hand_are_not_missed(ada, client, charged):
    late = charge(charged[0], minutes=[-5])[0]
    found = {"subscription": charged[0].pk}, {"to": time(3)}, {"from": time(-9)}
    for question in found:
        ids = walk(client, f"/invoice/list?page_size=2&{'&'.join(f'{k}={v}' for k, v in question.items())}")
        assert late.pk in ids
        assert len(set(ids)) == len(ids)
        file = client.get("/invoice/list", question | {"format": "csv"}).getvalue().decode()
        assert sorted(int(row[0]) for row in list(csv.reader(io.StringIO(file)))[1:]) == sorted(ids)


def test_links_keep_what_was_asked(client, charged):
    said = {"subscription": charged[0].pk, "from": time(1), "tz": "Asia/Tehran", "amount_min": "1", "page_size": "2"}
    page = client.get("/invoice/list", said).json()
    for link in (page["next"], client.get(page["next"]).json()["previous"]):
        query = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
        assert query.pop("cursor")
        assert query == {name: str(value) for name, value in said.items()}


def test_new_invoices_come_between_no_pages(ada, client, charged):
    there = expected({"from": 3}, ada, charged)
    page, found, minute = client.get("/invoice/list", {"from": time(3), "page_size": 4}).json(), [], 20
    while True:
        found += [row["id"] for row in page["invoices"]]
        charge(*charged, minutes=[minute])
        minute += 1
        if not page["next"]:
            break
        page = client.get(page["next"]).json()
    assert found == there


def test_a_cursor_leads_only_where_it_was_given(client, charged):
    def cursor_of(query):
        page = client.get(f"/invoice/list?page_size=2&{query}").json()
        return parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    plain, asked = cursor_of(""), cursor_of("amount_min=1")
    assert client.get("/invoice/list", {"cursor": plain, "amount_min": 1}).status_code == 404
    assert client.get("/invoice/list", {"cursor": asked}).status_code == 404
    for forged in (asked[:-1], "r" + asked[1:], asked.replace(".", "", 1), "f1.1", "f.:x"):
        assert client.get("/invoice/list", {"cursor": forged, "amount_min": 1}).status_code == 404
    assert client.get("/invoice/list", {"cursor": asked, "amount_min": 2}).status_code == 200


def test_anothers_subscription_and_none_are_the_same_to_the_byte(ada, client, charged, make_customer):
    theirs = Invoice.objects.exclude(customer=ada).first().subscription_id
    for format in ("json", "csv"):
        answers = [
            client.get("/invoice/list", {"subscription": number, "format": format})
            for number in (theirs, theirs + 1000, 2**63 - 1)
        ]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.getvalue() if answer.streaming else answer.content for answer in answers}) == 1
        for answer in answers:
            del answer["X-Request-ID"]
        assert len({tuple(sorted(answer.items())) for answer in answers}) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(
            (f"{name}={value}", name)
            for name, value in product(
                ("subscription", "amount", "amount_min", "amount_max"),
                ("", "-1", "x", "1.0", "1e3", "1_0", "+5", "%20", "%DB%B5", "%00", 2**63, "9" * 5000, "1&{0}=1"),
            )
        ),
        ("subscription=0", "subscription"),
        ("amount_min=5&amount_max=4", "amount_min"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_question_is_refused(client, query, field):
    answer = client.get("/invoice/list?" + query.format(field))
    assert (answer.status_code, list(answer.json())) == (400, [field])


# --- the file -------------------------------------------------------------------------------------


def test_a_file_is_what_the_list_shows(client, charged):
    (row,) = client.get("/invoice/list?page_size=1").json()["invoices"]
    by_accept = client.get("/invoice/list", headers={"Accept": "text/csv"})
    by_format = client.get("/invoice/list?format=csv", headers={"Accept": "application/json"})
    for answer in (by_accept, by_format):
        assert answer.streaming
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="invoices.csv"'
    body = by_accept.getvalue()
    assert body == by_format.getvalue()
    assert next(csv.DictReader(io.StringIO(body.decode()))) == {name: str(value) for name, value in row.items()}
    assert body.count(b"\r\n") == 61


@pytest.mark.parametrize("query", ["", "&to=2031-01-01", "&subscription={vm}"])
def test_a_row_is_in_the_file_once_while_new_ones_arrive(ada, client, charged, query, monkeypatch):
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(invoices, "ROWS_LOOKED_THROUGH", 3)
    there = expected({"subscription": 0} if "sub" in query else {}, ada, charged)
    answer = client.get("/invoice/list?format=csv" + query.format(vm=charged[0].pk))
    pieces, minute = [], 20
    for piece in answer.streaming_content:
        pieces.append(piece.decode())
        charge(*charged, minutes=[minute])
        minute += 1
    assert len(pieces) > 5
    assert [int(row[0]) for row in csv.reader(io.StringIO("".join(pieces[1:])))] == there


def test_a_long_file_takes_no_more_memory_than_its_beginning(ada, client):
    vm = subscribe(ada)
    for first in range(0, 100_000, 20_000):
        charge(vm, minutes=range(first, first + 20_000))
    resident = psutil.Process().memory_info
    early = f"&to={EPOCH + timedelta(minutes=20_000):%Y-%m-%dT%XZ}"
    for query, rows in (("", 100_000), (early, 20_000), (f"{early}&subscription={vm.pk}", 20_000)):
        lines, began, most = 0, resident().rss, 0
        for piece in client.get(f"/invoice/list?format=csv{query}").streaming_content:
            lines, most = lines + piece.count(b"\r\n"), max(most, resident().rss)
        assert lines == 1 + rows
        assert most - began < 15 * MEGABYTE, f"{query}: {(most - began) / MEGABYTE:.1f} MB more"


@pytest.mark.django_db(transaction=True)
def test_asgi_gets_the_same_file_piece_by_piece(make_customer, fake_clock, monkeypatch):
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", 1)
    ada = make_customer("ada")
    charge(subscribe(ada), minutes=range(3))
    token = f"Bearer {AccessToken.for_user(ada)}"

    async def fetch():
        answer = await AsyncClient().get("/invoice/list?format=csv", headers={"Authorization": token})
        pieces = [piece async for piece in answer.streaming_content]
        await sync_to_async(connections.close_all)()  # the thread's own
        return pieces

    assert [piece.count(b"\r\n") for piece in asyncio.run(fetch())] == [1, 1, 1, 1]


def test_a_statement_is_had_as_a_file(ada, client, charged, monkeypatch):
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", 7)
    accounts.top_up(customer_id=ada.pk, amount=50, by=ada)
    answer = client.get("/customer/statement?format=csv&page_size=3")
    assert answer["Content-Disposition"] == 'attachment; filename="statement.csv"'
    found = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    entries = client.get("/customer/statement?page_size=1000").json()["entries"]
    assert found == [{name: "" if value is None else str(value) for name, value in entry.items()} for entry in entries]
    assert len(found) == 62


def test_a_file_that_cannot_begin_is_an_error_in_json(client_of, make_customer):
    grace = make_customer("grace")
    client = client_of(grace)
    client.raise_request_exception = False
    Account.objects.filter(pk=grace.pk).delete()
    answer = client.get("/customer/statement?format=csv")
    assert (answer.status_code, answer.json()) == (500, {"detail": "A server error occurred."})


def test_every_page_of_a_statement_is_in_its_file(ada, charged):
    pages = list(statements.pages(customer_id=ada.pk, size=10))
    assert sum(pages, []) == statements.page(customer_id=ada.pk, size=100).lines


# --- which form -----------------------------------------------------------------------------------

PATHS = ["/invoice/list", "/invoice/statistics", "/subscription/list", "/customer/statement"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("query", "accept", "status", "kind"),
    [
        ("", "*/*", 200, "application/json"),
        ("", "text/csv", 200, "text/csv; charset=utf-8"),
        ("", "text/*", 200, "text/csv; charset=utf-8"),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", 200, "application/json"),
        ("", "text/html", 406, "application/json"),
        ("", "text/csv;q=0", 406, "application/json"),
        ("", "application/json;charset=UTF-8", 200, "application/json"),
        ("", "application/json; charset=iso-8859-1; version=1", 200, "application/json"),
        ("", "text/csv; charset=utf-8", 200, "text/csv; charset=utf-8"),
        ("", 'TEXT/CSV;charset="UTF8";header=present', 200, "text/csv; charset=utf-8"),
        ("", "text/csv; charset=windows-1256", 406, "application/json"),
        ("", "text/csv; header=absent, application/json;q=0.1", 200, "application/json"),
        ("", "application/json;q=0", 406, "application/json"),
        ("", "application/json;q=0, */*", 200, "text/csv; charset=utf-8"),
        ("", "text/csv;q=0, */*;q=0.1", 200, "application/json"),
        ("", "text/*;q=0.9, text/csv;q=0, application/*;q=0.1", 200, "application/json"),
        ("", "text/csv;charset=utf-8;q=0.2, application/json;charset=utf-8;q=0.3", 200, "application/json"),
        ("", "application/json;charset=utf-8, text/csv", 200, "application/json"),
        ("", "text/csv; a*=foo'en'%41, application/json", 200, "application/json"),
        ("", "", 200, "application/json"),
        ("", "application/json;q=0.1, text/csv", 200, "text/csv; charset=utf-8"),
        ("", "text/html, text/csv;q=0.1, */*;q=0.5", 200, "application/json"),
        ("format=json", "text/csv", 200, "application/json"),
        ("format=csv", "application/json", 200, "text/csv; charset=utf-8"),
        ("format=csv", "text/html", 200, "text/csv; charset=utf-8"),
        ("format=xml", "*/*", 406, "application/json"),
        ("format=", "*/*", 406, "application/json"),
        ("format=CSV", "*/*", 406, "application/json"),
        ("format=%00", "*/*", 406, "application/json"),
        ("format=csv&format=csv", "*/*", 400, "application/json"),
    ],
)
def test_the_form_is_the_one_that_was_asked_for(client, path, query, accept, status, kind):
    answer = client.get(f"{path}?{query}", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (status, kind)
    if status >= 400:
        assert set(answer.json()) == ({"detail"} if status == 406 else {"format"})


@pytest.mark.parametrize(
    "query",
    ["invoice/forecast?days=1&days=2", *(f"{path[1:]}?page_size=1&page_size=1" for path in PATHS if "tis" not in path)],
)
def test_a_parameter_is_given_once(client, query):
    answer = client.get(f"/{query}")
    name = "days" if "days" in query else "page_size"
    assert (answer.status_code, answer.json()) == (400, {name: ["May be given only once."]})


def test_a_cursor_is_given_once(client):
    for path in ("/invoice/list", "/subscription/list", "/customer/statement"):
        assert client.get(f"{path}?cursor=a&cursor=a").json() == {"cursor": ["May be given only once."]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("asked", [{"QUERY_STRING": "format=csv"}, {"HTTP_ACCEPT": "text/csv"}], ids=str)
def test_an_error_is_json_even_where_csv_is_wanted(db, client, path, asked):
    client.credentials()
    answer = client.get(path, **asked)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
    assert set(answer.json()) == {"detail"}
    assert client.post(path, **asked)["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("asked", ["", "&format=json", "&format=xml", "&page_size=0&cursor=forged"])
@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/csv;q=0"])
def test_a_path_that_is_a_file_is_that_of_the_path_without_it(client, path, accept, asked):
    query = "from=2030-01-01&active=true&group_by=day&tz=Asia/Tehran"
    file = client.get(f"{path}.csv?{query}{asked}", headers={"Accept": accept})
    by_format = client.get(f"{path}?{query}&format=csv")
    assert (file.status_code, file["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert file["Content-Disposition"] == by_format["Content-Disposition"]
    text = file.getvalue()
    assert text == by_format.getvalue()
    assert text.count(b"\r\n") >= 1


@pytest.mark.parametrize("path", PATHS)
def test_the_options_of_what_is_had_as_a_file_are_json(client, path):
    for asked in (f"{path}?format=csv", f"{path}.csv"):
        answer = client.options(asked)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert client.options(path, headers={"Accept": "text/csv"})["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", PATHS)
def test_an_error_of_a_path_that_is_a_file_is_json(db, client, path):
    client.credentials()
    answer = client.get(f"{path}.csv")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
    assert client.post(f"{path}.csv")["Content-Type"] == "application/json"


@pytest.mark.parametrize("query", ["from=x", "subscription=x", "from=2030-01-02&to=2030-01-01"])
def test_a_question_that_is_refused_is_refused_before_the_file(client, query):
    for path in ("/invoice/list?format=csv&", "/invoice/list.csv?"):
        answer = client.get(f"{path}{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")


# --- the cost -------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [False, True])
def test_a_page_walks_along_the_index_of_each_subscriptions_times(ada, client, make_customer, up):
    own = [subscribe(ada, name=str(number)) for number in range(5)]
    charge(*own, *(subscribe(make_customer(f"c{number}")) for number in range(20)), minutes=range(400))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    question = Question(customer_id=ada.pk, since=EPOCH, until=EPOCH + timedelta(minutes=200))
    row = Invoice.objects.of(ada).order_by("id")[500]
    with CaptureQueriesContext(connection) as captured:
        found = invoices.beside(question, invoices.Place(at=row.start_time, id=row.pk), up=up, most=11)
    assert len(found) == 11
    (query,) = captured
    explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)" if is_postgresql() else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {query['sql']}")
        steps = [str(step[-1]) for step in cursor.fetchall()]
    if is_postgresql():
        walked = [step for step in steps if "invoice_once_per_instant" in step]
        assert walked, steps
        assert not any("Seq Scan on invoice" in step or "invoice_invoice_pkey" in step for step in steps), steps
        # Each walk ends with the page. PostgreSQL 18 writes the rows of a loop with two places.
        assert all(re.search(r"rows=11(\.00)? ", step) for step in walked), steps
    else:
        assert any("each" in step and "(subscription_id=?" in step for step in steps), steps
        assert not any(step.startswith("SCAN") and "json" not in step for step in steps), steps
