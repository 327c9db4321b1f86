"""The first page of the admin."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customer import accounts
from customer.models import Account, Customer
from customer.tests import operators
from invoice.checks import report
from invoice.models import Checked, Invoice, Tally
from operators import dashboard, figures, presence, samples
from operators.models import Sample, SchedulerProcess
from subscription import subscriptions
from tests.fixtures import EPOCH


@pytest.fixture
def page(db):
    """Asks for the dashboard as an operator who may view invoices, or with other permissions; gives its HTML."""

    def get(*permissions):
        member = operators.operator(f"operator {Customer.objects.count()}", *permissions or ["invoice.view_invoice"])
        answer = operators.logged_in(member).get("/admin/")
        assert answer.status_code == 200
        return answer.content.decode()

    return get


@pytest.fixture
def provider(make_customer, fake_clock):
    ada = make_customer("ada", credit=10_000)
    for number, price in enumerate((1, 20)):
        subscriptions.create(customer=ada, name=f"vm {number}", price=price, isactive=True, by=ada)
    return ada


def texts(alarms):
    return [alarm.text for alarm in alarms]


def test_a_fresh_database_says_that_no_scheduler_runs_and_shows_empty_plots(page, fake_clock):
    html = page()
    assert "No scheduler runs" in html
    assert html.count("<svg viewBox") == 3
    assert "Billing is well" not in html


def test_it_is_for_those_who_may_see_invoices(page, provider):
    html = page("customer.view_customer")
    assert "<svg viewBox" not in html
    assert "who may see invoices" in html


def test_income_is_what_was_invoiced_by_the_minute_the_hour_and_the_day(provider, fake_clock, run_pass):
    fake_clock.at(2 * 86_400 + 5 * 3600 + 1830)
    run_pass()
    income = figures.read().income
    instants = list(Invoice.objects.values_list("start_time", "amount"))
    for unit, (_, step, count) in figures.UNITS.items():
        bars = income[unit]
        assert len(bars) == count
        assert {after.at - before.at for before, after in zip(bars, bars[1:], strict=False)} == {step}
        for bar in bars:
            of_bar = [amount for start, amount in instants if bar.at <= start < bar.at + step]
            assert (bar.invoices, bar.amount) == (len(of_bar), sum(of_bar))
    assert income["day"][-1].invoices == 2 * (5 * 6 + 3 + 1)
    assert income["day"][-3].at == EPOCH


def test_a_sum_may_be_more_than_64_bits(make_customer, fake_clock, run_pass):
    Tally.objects.bulk_create(Tally(minute=EPOCH, writer=writer, invoices=1, amount=2**62) for writer in (0, 1, 2))
    assert figures.read().income["day"][-1].amount == pytest.approx(3 * 2**62)


def test_all_is_well_where_a_scheduler_lives_and_nothing_is_late(provider):
    presence.report()
    samples.sample()
    assert figures.read().alarms == []


ALARMS = {
    "nobody bills": "No scheduler runs: nothing is billed until one does.",
    "late": "Billing is 30 s late, with a backlog of 2 jobs.",
    "passes fail": "Passes fail in process",
    "set aside": "1 account is set aside: not billed, and closed to changes, until repaired.",
    "faults": "The last check found 2 faults in the books.",
    "no check lately": "The books were last checked more than a day ago.",
}


@pytest.mark.parametrize("wrong", ALARMS)
def test_what_is_wrong_is_said(provider, fake_clock, wrong):
    presence.report()
    match wrong:
        case "nobody bills":
            fake_clock.advance(60)
        case "late":
            fake_clock.at(630)
            presence.report()
        case "passes fail":
            SchedulerProcess.objects.update(state="fails")
        case "set aside":
            accounts.set_aside(customer_id=provider.pk, error="a test's")
        case "faults":
            Account.objects.filter(pk=provider.pk).update(credit=5)
            report.record(report.run(progress=lambda _: None))
            assert Checked.objects.get().faults == 2
        case "no check lately":
            report.record(report.run(progress=lambda _: None))
            fake_clock.at(31 * 3600)
            SchedulerProcess.objects.update(seen_at=fake_clock.now())
    found = texts(figures.read().alarms)
    assert any(text.startswith(ALARMS[wrong]) for text in found), found


def test_the_worst_is_said_first():
    figure = figures.Alarm("worse"), figures.Alarm("bad", critical=False)
    assert sorted(reversed(figure), key=lambda alarm: not alarm.critical) == list(figure)


def test_the_page_has_as_many_queries_however_much_there_is(provider, fake_clock, run_pass):
    def queries():
        presence.report()
        fake_clock.advance(120)
        samples.sample()
        with CaptureQueriesContext(connection) as sent:
            html = browser.get("/admin/").content.decode()
        return len(sent), html

    browser = operators.logged_in(operators.superuser())
    few, _ = queries()
    for number in range(30):
        customer = Customer.objects.create_user(f"c{number}", password=None)
        accounts.top_up(customer_id=customer.pk, amount=50, by=None)
        subscriptions.create(customer=customer, name="vm", price=1, isactive=True, by=None)
        accounts.set_aside(customer_id=customer.pk, error="a test's")
    fake_clock.at(6000)
    run_pass()
    many, html = queries()
    assert many == few <= 20
    assert html.count("</a> since ") == figures.LISTED


def test_every_plot_has_its_numbers_as_a_table(page, provider, fake_clock, run_pass):
    fake_clock.at(1830)
    run_pass()
    for second in (1830, 1900):
        fake_clock.at(second)
        samples.sample()
    html = page()
    assert html.count("<svg viewBox") == html.count("As a table</summary>") == 4
    assert re.search(r"2030-01-01 00:30</time></th><td>2</td><td>21</td>", html)
    assert re.search(r"<title>00:30: 21 from 2 invoices</title>", html)


def test_names_are_escaped(page, make_customer, fake_clock):
    mallory = make_customer("mallory", credit=5)
    Customer.objects.filter(pk=mallory.pk).update(username="<script>alert(1)</script>")
    subscriptions.create(customer=mallory, name="<b>", price=1, isactive=True, by=None)
    samples.sample()
    html = page()
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html


def test_the_plot_of_a_day_shows_no_more_points_than_there_is_room_for(provider, fake_clock):
    samples.sample()
    one = Sample.objects.get()
    rows = []
    for minute in range(1, 1440):
        rows.append(Sample(**{**vars_of(one), "at": EPOCH + timedelta(minutes=minute)}))
    Sample.objects.bulk_create(rows)
    fake_clock.at(1439 * 60)
    stood = dashboard._stood(figures.read().samples)
    assert len(stood["areas"]) == 3
    assert 100 < stood["areas"][0][1].count(",") / 2 <= 2 * dashboard.POINTS


def vars_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.fields if field.attname != "id"}


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (950, "950"), (9_999, "9,999"), (12_345, "12.3 k"), (4_567_890, "4.57 M"), (2.5e12, "2.5 T")],
)
def test_a_number_for_a_glance_is_short(number, said):
    assert dashboard.compact(number) == said
