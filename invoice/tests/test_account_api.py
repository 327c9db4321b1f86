"""Why a subscription stands as it does, the statement, and the forecast, as the API tells them."""

import pytest

from customer import accounts
from customer.models import Account
from invoice import answers
from invoice.models import Invoice
from subscription import subscriptions


@pytest.fixture
def ada(make_customer, fake_clock):
    return make_customer("ada", credit=1000)


@pytest.fixture
def client(client_of, ada):
    return client_of(ada)


def subscribe(customer, price=450, name="VM", *, isactive=True):
    return subscriptions.create(customer=customer, name=name, price=price, isactive=isactive, by=customer)


def switch(subscription, isactive):
    subscriptions.set_active(
        customer_id=subscription.customer_id, subscription_id=subscription.pk, isactive=isactive, by=None
    )


def second(number):
    """That many seconds after EPOCH, as the API writes it."""
    return f"2030-01-01T{number // 3600:02}:{number % 3600 // 60:02}:{number % 60:02}Z"


# --- why -----------------------------------------------------------------------------------------


def test_a_subscription_short_of_credit_says_since_when_and_what_is_missing(ada, client, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(1250)
    run_pass()
    told = client.get(f"/subscription/{vm.pk}/").json()
    assert told == {
        "id": vm.pk,
        "name": "VM",
        "price": 450,
        "period": 600,
        "isactive": True,
        "created_at": second(0),
        "next_invoice_at": None,
        "paused_because": "insufficient_credit",
        "paused_since": second(1200),
        "credit_missing": 350,
        "number_of_invoices": 2,
        "total_cost_amount": 900,
        "pauses": [
            {
                "paused_at": second(1200),
                "paused_because": "insufficient_credit",
                "paused_on": "charge",
                "withheld_from": second(1800),
                "resumed_at": None,
                "resumed_on": None,
                "restored_from": None,
            }
        ],
    }
    accounts.top_up(customer_id=ada.pk, amount=told["credit_missing"], by=ada)
    told = client.get(f"/subscription/{vm.pk}/").json()
    assert (told["paused_because"], told["paused_since"], told["credit_missing"]) == (None, None, 0)
    assert told["next_invoice_at"] == second(1800)
    assert told["pauses"][0]["resumed_on"] == "top_up"


def test_one_switched_off_is_told_what_credit_it_would_miss(ada, client, fake_clock):
    vm = subscribe(ada, price=5000)
    fake_clock.at(60)
    switch(vm, False)
    told = client.get(f"/subscription/{vm.pk}/").json()
    assert (told["paused_because"], told["credit_missing"]) == ("deactivated", 4000)


def test_what_a_subscription_has_cost_is_what_it_has_cost_alone(ada, client, fake_clock, run_pass):
    vm, disk = subscribe(ada, price=7), subscribe(ada, price=100, name="disk")
    fake_clock.at(650)
    run_pass()
    for one in (vm, disk):
        told = client.get(f"/subscription/{one.pk}/").json()
        assert (told["number_of_invoices"], told["total_cost_amount"]) == (1, one.price)


def test_only_the_latest_pauses_are_told_newest_first(ada, client, fake_clock, monkeypatch):
    monkeypatch.setattr(answers, "PAUSES", 2)
    vm = subscribe(ada)
    for number in range(3):
        fake_clock.at(100 * number)
        switch(vm, False)
        fake_clock.at(100 * number + 50)
        switch(vm, True)
    told = client.get(f"/subscription/{vm.pk}/").json()
    assert [pause["paused_at"] for pause in told["pauses"]] == [second(200), second(100)]


def test_somebody_elses_subscription_and_none_are_the_same(ada, client, make_customer):
    theirs = subscribe(make_customer("grace"))
    answers = [client.get(f"/subscription/{number}/") for number in (theirs.pk, theirs.pk + 1, 2**63, 10**30)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b'{"detail":"Not found."}')}


# --- the statement -------------------------------------------------------------------------------


def test_a_statement_has_every_movement_with_the_balance_after_it(ada, client, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(650)
    run_pass()
    accounts.adjust(customer_id=ada.pk, amount=-50, by=ada, reason="for operators' eyes")
    told = client.get("/customer/statement").json()
    assert told["credit"] == 500
    assert (told["next"], told["previous"]) == (None, None)
    assert [
        (line["kind"], line["at"], line["amount"], line["balance"], line["subscription"]) for line in told["entries"]
    ] == [
        ("adjustment", second(650), -50, 500, None),
        ("invoice", second(600), -450, 550, vm.pk),
        ("registration", second(0), 1000, 1000, None),
    ]
    assert "operators" not in str(told)


def test_a_statement_is_read_page_by_page_each_line_once(ada, client, fake_clock, run_pass):
    subscribe(ada, price=7)
    fake_clock.at(60_000)
    run_pass()
    whole = client.get("/customer/statement?page_size=1000").json()["entries"]
    assert len(whole) == 1 + Invoice.objects.count() == 101
    found, url = [], "/customer/statement?page_size=7"
    while url:
        page = client.get(url).json()
        found += page["entries"]
        url = page["next"]
    assert found == whole
    back = client.get(client.get("/customer/statement?page_size=7").json()["next"]).json()["previous"]
    assert client.get(back).json()["entries"] == whole[:7]
    assert sum(line["amount"] for line in whole) == Account.objects.get(pk=ada.pk).credit


@pytest.mark.parametrize("cursor", ["x", "", "0.1.1.1:forged", "é", "\x00"])
def test_a_forged_cursor_is_none(client, cursor):
    assert client.get("/customer/statement", {"cursor": cursor}).status_code == 404


def test_a_cursor_of_another_customer_is_forged(ada, client, client_of, make_customer):
    for number in range(3):
        accounts.top_up(customer_id=ada.pk, amount=number + 1, by=ada)
    theirs = client.get("/customer/statement?page_size=2").json()["next"]
    assert client_of(make_customer("grace")).get(theirs).status_code == 404


# --- the forecast --------------------------------------------------------------------------------


def test_a_forecast_says_what_comes_and_when_the_credit_runs_out(ada, client, fake_clock):
    vm, disk = subscribe(ada), subscribe(ada, price=90, name="disk")
    told = client.get("/invoice/forecast?days=1").json()
    assert (told["at"], told["until"], told["credit"], told["credit_left"]) == (
        second(0),
        "2030-01-02T00:00:00Z",
        1000,
        10,
    )
    assert (told["number_of_invoices"], told["total_cost_amount"]) == (3, 990)
    assert told["runs_out_at"] == second(1200)
    assert [(stop["subscription"], stop["at"]) for stop in told["pauses"]] == [
        (vm.pk, second(1200)),
        (disk.pk, second(1200)),
    ]
    assert told["without_top_up"] is None
    assert told["invoices"][0] == {
        "subscription": vm.pk,
        "amount": 450,
        "start_time": second(600),
        "end_time": second(1200),
    }


def test_a_forecast_says_what_a_top_up_would_change_and_does_nothing(ada, client, fake_clock, run_pass):
    vm = subscribe(ada)
    fake_clock.at(1250)
    run_pass()
    told = client.get("/invoice/forecast?credit=800&days=1").json()
    assert told["resumes"] == [vm.pk]
    assert (told["credit"], told["number_of_invoices"], told["runs_out_at"]) == (900, 2, second(2400))
    assert told["without_top_up"] == {
        "credit": 100,
        "number_of_invoices": 0,
        "total_cost_amount": 0,
        "credit_left": 100,
        "runs_out_at": None,
        "pauses": [],
    }
    assert Account.objects.get(pk=ada.pk).credit == 100

    accounts.top_up(customer_id=ada.pk, amount=800, by=ada)
    fake_clock.at(86_400)
    run_pass()
    assert Invoice.objects.count() == 2 + told["number_of_invoices"]
    assert Account.objects.get(pk=ada.pk).credit == told["credit_left"]


def test_a_forecast_bills_what_is_due_first(ada, client, fake_clock):
    subscribe(ada, price=1)
    fake_clock.at(3000)
    assert client.get("/invoice/forecast?days=1").json()["credit"] == 995
    assert not Invoice.objects.exists()


def test_a_forecast_reaches_as_far_and_takes_as_much_as_it_says(ada, client):
    assert client.get("/invoice/forecast?days=3660").json()["until"] == "2040-01-09T00:00:00Z"
    most = 2**63 - 1 - 1000
    assert client.get(f"/invoice/forecast?days=1&credit={most}").json()["credit"] == 2**63 - 1
    assert client.get(f"/invoice/forecast?days=1&credit={most + 1}").status_code == 400


def test_a_forecast_names_all_subscriptions_by_id_also_those_that_are_off(ada, client):
    off, vm = subscribe(ada, name="off", isactive=False), subscribe(ada, price=90)
    told = client.get("/invoice/forecast?days=1").json()["subscriptions"]
    assert [(one["id"], one["name"], one["price"], one["next_invoice_at"]) for one in told] == [
        (off.pk, "off", 450, None),
        (vm.pk, "VM", 90, second(600)),
    ]
    assert [(one["number_of_invoices"], one["total_cost_amount"]) for one in told] == [(0, 0), (11, 990)]


@pytest.mark.parametrize(
    ("query", "field"),
    [("credit=-1", "credit"), ("credit=x", "credit"), ("days=0", "days"), ("days=3661", "days"), ("days=1.5", "days")],
)
def test_what_is_no_question_is_refused(client, query, field):
    answer = client.get(f"/invoice/forecast?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_more_than_an_account_can_take_is_refused(client):
    answer = client.get(f"/invoice/forecast?credit={2**63 - 1}")
    assert (answer.status_code, list(answer.json())) == (400, ["credit"])


def test_an_account_set_aside_has_no_forecast(ada, client):
    accounts.set_aside(customer_id=ada.pk, error="a test's")
    assert client.get("/invoice/forecast").status_code == 503
