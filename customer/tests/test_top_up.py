import pytest

from customer import accounts
from customer.models import Account, LedgerEntry

MOST = 2**63 - 1


def increase(client, credit):
    return client.put("/customer/increasecredit/", {"credit": credit}, format="json")


def state(customer):
    return (
        Account.objects.values("credit", "deposited").get(pk=customer.pk),
        LedgerEntry.objects.filter(account=customer.pk).count(),
    )


@pytest.mark.parametrize("amount", [3000, "3000"])
def test_a_top_up_answers_the_new_balance(make_customer, client_of, fake_clock, amount):
    ada = make_customer(credit=350_000)
    fake_clock.advance(60)
    response = increase(client_of(ada), amount)
    assert (response.status_code, response.json()) == (200, {"credit": 353_000})
    entry = LedgerEntry.objects.latest("id")
    assert (entry.account_id, entry.kind, entry.amount, entry.at, entry.by_id) == (
        ada.pk,
        "top_up",
        3000,
        fake_clock.time,
        ada.pk,
    )


def test_a_top_up_resumes_what_was_paused_for_want_of_it(make_customer, client_of, fake_clock):
    client = client_of(make_customer())
    created = client.post("/subscription/create/", {"name": "VM", "price": 450}, format="json").json()
    assert (created["next_invoice_at"], created["paused_because"]) == (None, "insufficient_credit")
    fake_clock.advance(601)
    increase(client, 450)
    (shown,) = client.get("/subscription/list").json()["subscriptions"]
    assert (shown["next_invoice_at"], shown["paused_because"]) == ("2030-01-01T00:20:00Z", None)


def test_what_is_due_is_billed_before_the_balance_is_answered(make_customer, client_of, fake_clock):
    client = client_of(make_customer(credit=1000))
    client.post("/subscription/create/", {"name": "VM", "price": 450}, format="json")
    fake_clock.at(600)
    assert increase(client, 1).json() == {"credit": 551}


def refused(response):
    return response.status_code == 400 and response.json() == {
        "credit": [f"This would take all that was ever put into the account over {MOST}."]
    }


def test_the_last_unit_fits(make_customer, client_of):
    ada = make_customer(credit=MOST - 1)
    assert increase(client_of(ada), 1).json() == {"credit": MOST}
    assert refused(increase(client_of(ada), 1))


@pytest.mark.parametrize("amount", [2, MOST])
def test_more_than_the_column_holds_changes_nothing(make_customer, client_of, amount):
    ada = make_customer(credit=MOST - 1)
    before = state(ada)
    assert refused(increase(client_of(ada), amount))
    assert state(ada) == before


def test_what_was_spent_still_counts_as_put_in(make_customer, client_of, fake_clock, run_pass):
    ada = make_customer(credit=MOST)
    client_of(ada).post("/subscription/create/", {"name": "VM", "price": MOST}, format="json")
    fake_clock.at(600)
    run_pass()
    before = state(ada)
    assert before[0]["credit"] == 0
    assert refused(increase(client_of(ada), 1))
    assert state(ada) == before


def test_what_an_operator_took_back_still_counts_as_put_in(make_customer, client_of):
    ada = make_customer(credit=MOST)
    accounts.adjust(customer_id=ada.pk, amount=-MOST, by=None, reason="a mistake")
    before = state(ada)
    assert before[0]["credit"] == 0
    assert refused(increase(client_of(ada), 1))
    assert state(ada) == before


@pytest.mark.parametrize("body", [{"credit": 5}, {"credit": -5}, {}])
def test_customers_do_not_credit_themselves_where_that_is_off(make_customer, client_of, settings, body):
    settings.SELF_SERVICE_TOP_UP = False
    ada = make_customer(credit=10)
    before = state(ada)
    response = client_of(ada).put("/customer/increasecredit/", body, format="json")
    assert response.status_code == 403
    assert response.json() == {"detail": "Customers cannot add credit themselves here."}
    assert state(ada) == before


def test_a_top_up_goes_to_nobody_else(make_customer, client_of):
    ada, grace = make_customer("ada"), make_customer("grace")
    smuggled = {"credit": 5, "customer": grace.pk, "customer_id": grace.pk, "id": grace.pk, "by": grace.pk}
    client_of(ada).put("/customer/increasecredit/", smuggled, format="json")
    assert (state(ada)[0]["credit"], state(grace)[0]["credit"]) == (5, 0)
