"""Lists as CSV: what is in the file, who gets it, and that it is a stream."""

import asyncio
import csv
import io

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.db import connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from customer import accounts, customers
from customer.models import Customer
from customer.tests.operators import last_log, last_origin, logged_in, operator, page, superuser
from subscription import subscriptions
from subscription_task.http import csv_files

CUSTOMER, LEDGER, SUBSCRIPTION = "customer_customer", "customer_ledgerentry", "subscription_subscription"


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer(credit=100)


def exported(client, model, **query):
    """The rows of the file, its heads first."""
    answer = client.get(page(model, "export"), query)
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    body = answer.getvalue().decode()
    assert body[0] == csv_files.BYTE_ORDER_MARK
    return list(csv.reader(io.StringIO(body[1:])))


def test_a_file_has_the_columns_of_its_list_and_no_markup(root, ada):
    accounts.adjust(customer_id=ada.pk, amount=-30, by=root, reason="twice, <b>sorry</b>")
    heads, latest, first = exported(logged_in(root), LEDGER)
    assert heads == ["ID", "Customer", "Kind", "Amount", "At", "By", "Reason"]
    assert latest[1:] == ["ada", "Adjustment", "-30", "2030-01-01 00:00:00+00:00", "root", "twice, <b>sorry</b>"]
    assert first[1:] == ["ada", "Registration", "100", "2030-01-01 00:00:00+00:00", "ada", ""]


def test_the_filters_and_the_search_of_the_list_apply(root, ada):
    for name, isactive in (("DB", False), ("VM", True)):
        subscriptions.create(customer=ada, name=name, price=5, isactive=isactive, by=ada)
    client = logged_in(root)
    names = [row[1] for row in exported(client, SUBSCRIPTION)]
    assert names == ["Name", "VM", "DB"]
    assert [row[1] for row in exported(client, SUBSCRIPTION, isactive__exact="0")] == ["Name", "DB"]
    assert [row[1] for row in exported(client, SUBSCRIPTION, q="vm")] == ["Name", "VM"]
    assert [row[1] for row in exported(client, SUBSCRIPTION, q="vm", isactive__exact="0")] == ["Name"]
    assert [row[5] for row in exported(client, SUBSCRIPTION)] == ["Active", "yes", "no"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+2", "'=1+2"),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@now", "'@now"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),  # begins as a number does
        ("＝1+2", "'＝1+2"),
        ("＠now", "'＠now"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("a;=1+2", "a;'=1+2"),
        ('a;\t"=1+2"', "a;'\t'\"=1+2\""),
        ("a\t-1", "a\t'-1"),
        ("a\n@now", "a\n'@now"),
        ("a;b - c", "a;b - c"),
        ("\nx", "'\nx"),
        ("-30", "-30"),
        ("+4.5", "+4.5"),
        ("ada", "ada"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(root, ada, name, cell):
    assert csv_files.defused(name) == cell
    Customer.objects.filter(pk=ada.pk).update(first_name=name)
    assert exported(logged_in(root), CUSTOMER)[1][1] == cell


def test_a_file_is_in_as_many_pieces_as_it_needs_and_each_row_once(root, ada, monkeypatch):
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", 3)
    for number in range(8):
        customers.register(username=f"customer-{number}", password="correct horse", credit=1)
    with CaptureQueriesContext(connection) as captured:
        rows = exported(logged_in(root), CUSTOMER)
    names = [row[0] for row in rows[1:]]
    assert names == list(Customer.objects.order_by("-pk").values_list("username", flat=True))
    pieces = [query["sql"] for query in captured if "LIMIT 3" in query["sql"]]
    assert len(pieces) == 4, "ten rows are three full pieces and a last one"


def test_a_row_that_lost_its_account_does_not_end_the_file(root, ada):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customer_ledgerentry")
        cursor.execute("DELETE FROM customer_account WHERE customer_id = %s", [ada.pk])
    assert [row[3] for row in exported(logged_in(root), CUSTOMER)] == ["Credit", "", "0"]


def test_an_export_is_logged_with_who_wanted_what(ada):
    viewer = operator("viewer", "customer.view_customer")
    exported(logged_in(viewer), CUSTOMER, q="ad")
    assert last_log() == ("viewer", "Exported as CSV where q=ad.")
    assert last_origin().startswith("127.0.0.1")
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.content_type.model) == ("customers", "customer")


def test_only_those_who_see_a_list_get_it_as_a_file(ada):
    url = page(CUSTOMER, "export")
    assert logged_in(operator("other", "invoice.view_invoice")).get(url).status_code == 403
    assert logged_in(ada).get(url).status_code == 302
    assert logged_in(superuser()).post(url).status_code == 405
    assert not LogEntry.objects.exists()


def test_a_filter_that_makes_no_sense_is_refused(root):
    client = logged_in(root)
    assert client.get(page(CUSTOMER, "export"), {"nothing": "1"}).status_code == 400
    assert client.get(page(CUSTOMER, "export"), {"date_joined__gte": "x"}).status_code == 400


def test_a_list_offers_the_file_of_what_it_shows(root):
    shown = logged_in(root).get(page(CUSTOMER, "changelist"), {"q": "ad", "is_active__exact": "1"}).content.decode()
    assert f'href="{page(CUSTOMER, "export")}?q=ad&amp;is_active__exact=1"' in shown


@pytest.mark.django_db(transaction=True)
def test_asgi_gets_the_same_file_piece_by_piece(monkeypatch):
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", 1)
    session = logged_in(superuser()).cookies
    customers.register(username="ada", password="correct horse", credit=1)

    async def fetch():
        client = AsyncClient()
        client.cookies = session
        answer = await client.get(page(CUSTOMER, "export"))
        pieces = [piece async for piece in answer.streaming_content]
        await sync_to_async(connections.close_all)()  # the thread's own
        return pieces

    pieces = asyncio.run(fetch())
    assert [piece.decode().split(",")[0] for piece in pieces] == ["\ufeff", "Username", "ada", "root"]
