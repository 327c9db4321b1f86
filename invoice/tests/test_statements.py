"""A statement: what moved a customer's credit, in the order in which it did, with the balance after each."""

import os

import hypothesis.strategies as st
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from customer import accounts
from customer.models import Account
from invoice import repair, statements
from invoice.models import Invoice
from invoice.statements import BadCursor
from invoice.tests.test_repair_histories import Pair, damages, events
from subscription import subscriptions
from tests.fixtures import EPOCH

HISTORIES = int(os.environ.get("HISTORIES", "80"))

steps = st.one_of(events, events, st.tuples(st.just("clock"), st.sampled_from([-600, -1, -0.5, 90])), damages)


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer(credit=1000)


def subscribe(customer, *, price=300, name="VM"):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=True, by=customer)


def all_of(customer, size=1000):
    """Every line, page after page from the newest down."""
    page = statements.page(customer_id=customer.pk, size=size)
    lines = page.lines
    while page.older:
        page = statements.page(customer_id=customer.pk, size=size, cursor=page.older)
        assert len(page.lines) <= size
        lines = lines + page.lines
    return lines


# --- the order ------------------------------------------------------------------------------------


def test_a_statement_tells_what_moved_the_credit_and_what_it_was_after_each(ada, fake_clock, run_pass):
    vm, disk = subscribe(ada), subscribe(ada, price=50, name="Disk")
    fake_clock.at(600)
    accounts.top_up(customer_id=ada.pk, amount=20, by=ada, reason="cash")  # after what is due at that very instant
    fake_clock.at(1201)
    accounts.adjust(customer_id=ada.pk, amount=-7, by=None, reason="typo")
    page = statements.page(customer_id=ada.pk, size=50)
    assert [(line.kind, line.amount, line.balance, line.subscription, line.by, line.reason) for line in page.lines] == [
        ("adjustment", -7, 313, None, None, "typo"),
        ("invoice", -50, 320, "Disk", None, ""),
        ("invoice", -300, 370, "VM", None, ""),
        ("top_up", 20, 670, None, "ada", "cash"),
        ("invoice", -50, 650, "Disk", None, ""),
        ("invoice", -300, 700, "VM", None, ""),
        ("registration", 1000, 1000, None, "ada", ""),
    ]
    assert (page.credit, page.older, page.newer) == (313, None, None)
    newest = Invoice.objects.latest("id")
    shown = page.lines[1]
    assert (shown.id, shown.at, shown.until, shown.subscription_id) == (
        newest.pk,
        newest.start_time,
        newest.end_time,
        disk.pk,
    )
    assert page.lines[-1].at == EPOCH
    assert page.lines[2].subscription_id == vm.pk


def test_what_a_late_scheduler_bills_stands_where_it_was_due(ada, fake_clock, run_pass):
    subscribe(ada)
    fake_clock.at(1000)
    accounts.top_up(customer_id=ada.pk, amount=1, by=ada)
    fake_clock.at(5000)
    run_pass()
    assert [(line.kind, line.balance) for line in all_of(ada)] == [
        ("invoice", 101),
        ("invoice", 401),
        ("top_up", 701),
        ("invoice", 700),
        ("registration", 1000),
    ]


def test_a_customer_whose_credit_never_moved_has_an_empty_statement(make_customer):
    page = statements.page(customer_id=make_customer().pk, size=5)
    assert (page.credit, page.lines, page.older, page.newer) == (0, [], None, None)


def test_nobody_has_no_statement(db):
    with pytest.raises(Account.DoesNotExist):
        statements.page(customer_id=7, size=5)


@pytest.mark.django_db
def test_a_statement_only_grows_on_top_and_never_falls_below_0(fake_clock, settings):
    """Random histories, with late passes, clocks that fall back, damages and repairs."""
    settings.INVOICE_PERIOD = 600  # which is put back; a thousand such changes would be too many for it

    @given(credit=st.integers(0, 4000), history=st.lists(steps, min_size=4, max_size=24), size=st.integers(1, 9))
    @hypothesis_settings(
        max_examples=max(HISTORIES // 4, 1), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    def live(credit, history, size):
        with transaction.atomic():
            fake_clock.at(0)
            pair = Pair(fake_clock, django_settings, credit)
            known = []
            for step in [("create", 1, 100, 0), *history]:
                if isinstance(step, dict):
                    pair.bill()
                    pair.damage(**step)
                    repair.repair(customer_id=pair.damaged, by=None)
                elif step[0] == "clock":
                    fake_clock.advance(step[1])
                else:
                    pair.live(*step)
                known = grown(pair.ids[0], known, size)
            pair.bill()
            grown(pair.ids[0], known, size)
            transaction.set_rollback(True)

    live()


def grown(customer, known, size):
    """The lines of a statement that had those `known` before."""
    lines = all_of(customer, size)
    assert lines[len(lines) - len(known) :] == known
    credit = Account.objects.get(pk=customer.pk).credit
    assert [line.balance for line in lines[:1]] == ([credit] if lines else [])
    assert credit == sum(line.amount for line in lines)
    assert all(line.balance >= 0 for line in lines)
    for newer, older in zip(lines, lines[1:], strict=False):
        assert newer.balance == older.balance + newer.amount
        assert newer.at >= older.at
    assert len({(line.kind == statements.INVOICE, line.id) for line in lines}) == len(lines)
    assert len(lines) == customer.invoices.count() + customer.account.ledger.count()
    return lines


# --- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def busy(ada, make_customer, fake_clock, run_pass):
    """Ada, with 13 lines, and somebody else's between them."""
    bob = make_customer("bob", credit=5000)
    for customer in (ada, bob):
        subscribe(customer, price=40)
    for number in range(6):
        fake_clock.at(600 * number + 700)
        for customer in (ada, bob):
            accounts.top_up(customer_id=customer.pk, amount=3, by=customer)
    return ada


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13, 14])
def test_pages_lead_down_and_up_again_through_the_same_lines(busy, size):
    page = statements.page(customer_id=busy.pk, size=size)
    down = [page]
    while page.older:
        page = statements.page(customer_id=busy.pk, size=size, cursor=page.older)
        down.append(page)
    lines = all_of(busy)
    assert len(lines) == 13
    assert [line for page in down for line in page.lines] == lines
    up = [page]
    while page.newer:
        page = statements.page(customer_id=busy.pk, size=size, cursor=page.newer)
        up.append(page)
    assert [page.lines for page in reversed(up)] == [page.lines for page in down]
    assert all(page.older for page in up[1:])


def test_lines_that_arrive_meanwhile_move_no_page(busy, fake_clock):
    first = statements.page(customer_id=busy.pk, size=5)
    fake_clock.at(6000)
    accounts.top_up(customer_id=busy.pk, amount=9, by=None)
    second = statements.page(customer_id=busy.pk, size=5, cursor=first.older)
    assert first.lines + second.lines == all_of(busy)[-13:-3]
    above = statements.page(customer_id=busy.pk, size=5, cursor=second.newer)
    assert above.lines == first.lines
    newest = statements.page(customer_id=busy.pk, size=50, cursor=above.newer)
    assert newest.lines + above.lines == all_of(busy)[:-8]
    assert newest.newer is None


def test_what_arrives_first_of_its_kind_is_above_the_pages_that_were_there(make_customer, fake_clock, run_pass):
    eve = make_customer("eve")
    accounts.top_up(customer_id=eve.pk, amount=100, by=eve)
    accounts.top_up(customer_id=eve.pk, amount=200, by=eve)
    subscribe(eve, price=10)
    first = statements.page(customer_id=eve.pk, size=1)
    fake_clock.at(600)
    run_pass()
    second = statements.page(customer_id=eve.pk, size=1, cursor=first.older)
    above = statements.page(customer_id=eve.pk, size=2, cursor=second.newer)
    assert [line.balance for line in second.lines + above.lines] == [100, 290, 300]


def test_a_cursor_serves_its_own_customer_only(busy, make_customer):
    cursor = statements.page(customer_id=busy.pk, size=5).older
    eve = make_customer("eve", credit=5)
    for customer, forged in ((eve, cursor), (busy, cursor[:-1] + "!"), (busy, "0.9.9.9"), (busy, ""), (busy, "ü\0")):
        with pytest.raises(BadCursor):
            statements.page(customer_id=customer.pk, size=5, cursor=forged)


# --- the cost -------------------------------------------------------------------------------------


def test_any_page_is_one_statement(busy):
    page = statements.page(customer_id=busy.pk, size=5)
    for cursor in (None, page.older, statements.page(customer_id=busy.pk, size=5, cursor=page.older).newer):
        with CaptureQueriesContext(connection) as captured:
            statements.page(customer_id=busy.pk, size=5, cursor=cursor)
        assert len(captured) == 1


@pytest.mark.parametrize("statement", [statements.OLDER, statements.NEWER])
def test_a_page_walks_along_indexes_and_sorts_nothing(ada, statement):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by how many rows there are")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement['sqlite']}", [ada.pk, 99, 51, ada.pk, 99, 51, ada.pk])
        steps = [row[3] for row in cursor.fetchall()]
    for table in ("invoice_invoice", "customer_ledgerentry"):
        assert [step.split()[0] for step in steps if table in step.split()] == ["SEARCH"]
    assert not any("TEMP B-TREE" in step for step in steps)
