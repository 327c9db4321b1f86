"""What operators can do to customers' money, what nobody can, and the lists."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from customer import accounts, customers
from customer.models import Account, Customer, LedgerEntry, SetAside
from customer.tests.operators import act, last_log, logged_in, operator, page, queries_of_list, superuser

MAX = 2**63 - 1
CUSTOMER, LEDGER, ASIDE = "customer_customer", "customer_ledgerentry", "customer_setaside"


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def ada(make_customer):
    return make_customer(credit=100)


def credit_of(customer):
    return Account.objects.get(pk=customer.pk).credit


# Each row: a page, what is posted to it, and the answers to a viewer, an editor, a cashier and a superuser.
PAGES = [
    ("customer_customer", "changelist", None, 200, 200, 200, 200),
    ("customer_customer", "change", None, 200, 200, 200, 200),
    ("customer_customer", "change", {"username": "ada", "is_active": "1"}, 403, 302, 403, 302),
    ("customer_customer", "history", None, 200, 200, 200, 200),
    ("customer_customer", "add", None, 403, 200, 403, 200),
    ("customer_customer", "delete", {}, 403, 200, 403, 200),  # 200: refused on the form, since ada has books
    ("customer_customer", "top-up", None, 403, 403, 200, 200),
    ("customer_customer", "top-up", {"amount": "5"}, 403, 403, 302, 302),
    ("customer_customer", "adjust", {"amount": "-5", "reason": "typo"}, 403, 403, 302, 302),
    ("customer_setaside", "changelist", None, 200, 200, 200, 200),
    ("customer_setaside", "retry", {}, 403, 403, 302, 302),
]


@pytest.mark.parametrize(("model", "name", "posted", "viewer", "editor", "cashier", "root"), PAGES)
def test_each_page_opens_to_those_who_may(ada, model, name, posted, viewer, editor, cashier, root):
    sees = ["customer.view_customer", "customer.view_setaside"]
    edits = ["customer.add_customer", "customer.change_customer", "customer.delete_customer"]
    pays = ["customer.top_up_account", "customer.adjust_account", "customer.retry_setaside"]
    statuses = {
        operator("viewer", *sees): viewer,
        operator("editor", *sees, *edits): editor,
        operator("cashier", *sees, *pays): cashier,
        superuser(): root,
        operator("nobody"): 403,
        ada: 302,  # a customer is sent to log in
    }
    for member, status in statuses.items():
        if name == "retry":
            accounts.set_aside(customer_id=ada.pk, error="broken")
        url = page(model, name, *([] if name in ("changelist", "add") else [ada.pk]))
        client = logged_in(member)
        answer = client.get(url) if posted is None else act(client, url, posted)
        assert (member.username, answer.status_code) == (member.username, status)
        if member == ada:
            assert answer.url.startswith("/admin/login/")


def test_a_page_serves_both_spellings_and_unknown_ones_are_404(root, ada):
    client = logged_in(root)
    assert client.get(f"/admin/customer/customer/{ada.pk}/top-up").status_code == 200
    assert client.get(f"/admin/customer/customer/{ada.pk}/top-up/").status_code == 200
    assert client.get("/admin/customer/nothing/").status_code == 404
    assert client.get(page(CUSTOMER, "top-up", 2**64)).status_code == 404
    assert client.get(page(CUSTOMER, "delete", "x")).status_code == 404


@pytest.mark.parametrize("name", ["top-up", "adjust", "delete"])
def test_an_act_wants_a_csrf_token(root, ada, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    assert client.post(page(CUSTOMER, name, ada.pk), {"amount": "5", "reason": "x"}).status_code == 403
    assert credit_of(ada) == 100


def test_only_a_post_acts(root, ada):
    assert logged_in(root).get(page(CUSTOMER, "top-up", ada.pk), {"amount": "5"}).status_code == 200
    assert credit_of(ada) == 100


def test_a_top_up_is_in_the_ledger_and_in_the_log_with_its_operator(root, ada):
    answer = act(logged_in(root), page(CUSTOMER, "top-up", ada.pk), {"amount": "50", "reason": "cash"}, follow=True)
    assert answer.redirect_chain == [(page(CUSTOMER, "change", ada.pk), 302)]
    assert "Topped up by 50; the credit is 150." in answer.content.decode()
    assert credit_of(ada) == 150
    entry = LedgerEntry.objects.latest("id")
    assert (entry.kind, entry.amount, entry.by, entry.reason) == ("top_up", 50, root, "cash")
    assert last_log() == ("root", "Topped up by 50; the credit is 150. Reason: cash")


def test_an_adjustment_takes_out_with_its_reason(root, ada):
    act(logged_in(root), page(CUSTOMER, "adjust", ada.pk), {"amount": "-30", "reason": "entered twice"})
    assert credit_of(ada) == 70
    entry = LedgerEntry.objects.latest("id")
    assert (entry.kind, entry.amount, entry.by, entry.reason) == ("adjustment", -30, root, "entered twice")
    assert last_log() == ("root", "Adjusted by -30; the credit is 70. Reason: entered twice")


@pytest.mark.parametrize(
    ("name", "said", "error"),
    [
        ("top-up", {"amount": "0"}, "greater than or equal to 1"),
        ("top-up", {"amount": "-5"}, "greater than or equal to 1"),
        ("top-up", {"amount": "1.5"}, "Enter a whole number"),
        ("top-up", {"amount": "9" * 5000}, "Enter a whole number"),
        ("top-up", {"amount": str(MAX + 1)}, f"less than or equal to {MAX}"),
        ("top-up", {"amount": str(MAX)}, "all that was ever put into the account"),
        ("top-up", {"amount": ""}, "This field is required"),
        ("top-up", {"amount": "5", "reason": "x" * 201}, "at most 200 characters"),
        ("top-up", {"amount": "5", "reason": "\0"}, "Null characters are not allowed"),
        ("adjust", {"amount": "0", "reason": "x"}, "never 0"),
        ("adjust", {"amount": "5", "reason": " "}, "This field is required"),
        ("adjust", {"amount": "-101", "reason": "x"}, "The credit would fall below 0."),
        ("adjust", {"amount": str(-MAX - 1), "reason": "x"}, f"greater than or equal to -{MAX}"),
    ],
)
def test_what_makes_no_sense_is_an_error_on_the_form(root, ada, name, said, error):
    answer = act(logged_in(root), page(CUSTOMER, name, ada.pk), said)
    assert answer.status_code == 200
    assert error in answer.content.decode()
    assert "Nothing has been changed." in answer.content.decode()
    assert credit_of(ada) == 100
    assert LedgerEntry.objects.count() == 1
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["top-up", "adjust", "delete"])
def test_an_account_set_aside_refuses_on_the_form(root, ada, name):
    accounts.set_aside(customer_id=ada.pk, error="broken")
    answer = act(logged_in(root), page(CUSTOMER, name, ada.pk), {"amount": "5", "reason": "x"})
    assert answer.status_code == 200
    assert "This account is being repaired." in answer.content.decode()


@pytest.mark.parametrize("model", [LEDGER, ASIDE])
def test_nobody_adds_edits_or_deletes_a_row_of_the_books(root, ada, model):
    accounts.set_aside(customer_id=ada.pk, error="broken")
    pk = LedgerEntry.objects.get().pk if model == LEDGER else ada.pk
    client = logged_in(root)
    assert client.post(page(model, "add"), {"amount": "5"}).status_code == 403
    assert client.post(page(model, "change", pk), {"amount": "5", "error": ""}).status_code == 403
    assert client.post(page(model, "delete", pk), {"post": "yes"}).status_code == 403
    client.post(page(model, "changelist"), {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
    assert LedgerEntry.objects.get().amount == 100
    assert SetAside.objects.get().error == "broken"
    shown = client.get(page(model, "change", pk)).content.decode()
    assert 'name="_save"' not in shown
    for text in (shown, client.get(page(model, "changelist")).content.decode()):
        assert "instead" in text or "Repair" in text


def test_a_customers_form_cannot_move_money(root, ada):
    said = {"username": "ada", "is_active": "1", "credit": "999", "deposited": "999", "invoice_total": "5"}
    assert logged_in(root).post(page(CUSTOMER, "change", ada.pk), said).status_code == 302
    account = Account.objects.get(pk=ada.pk)
    assert (account.credit, account.deposited, account.invoice_total) == (100, 100, 0)


def test_a_retry_opens_the_account_and_is_logged(root, ada):
    accounts.set_aside(customer_id=ada.pk, error="broken")
    answer = act(logged_in(root), page(ASIDE, "retry", ada.pk), {"reason": "repaired"})
    assert answer.url == page(ASIDE, "changelist")
    assert not SetAside.objects.exists()
    assert last_log()[0] == "root"
    assert last_log()[1].endswith("Reason: repaired")


def more_customers(rows):
    start = Customer.objects.count()
    for number in range(start, start + rows):
        customers.register(username=f"customer {number}".replace(" ", "-"), password="correct horse", credit=1)


def more_set_aside(rows):
    more_customers(rows)
    for customer in Customer.objects.filter(account__set_aside=None, is_staff=False):
        accounts.set_aside(customer_id=customer.pk, error="broken")


@pytest.mark.parametrize(
    ("model", "make_rows", "budget"),
    [
        (CUSTOMER, more_customers, 4),  # the session, the operator, the count, the rows
        (LEDGER, more_customers, 4),
        (ASIDE, more_set_aside, 4),
    ],
)
def test_a_list_takes_as_many_queries_at_50_rows_as_at_5(root, model, make_rows, budget):
    assert queries_of_list(logged_in(root), model, make_rows) == [budget, budget]


@pytest.mark.parametrize(
    ("term", "found"),
    [("ADA", ["ada"]), ("ad", ["ada"]), ("love", ["ada"]), ("da", []), ("9" * 30, []), ("\0", None), ("'", [])],
)
def test_customers_are_found_by_how_their_names_begin(root, ada, term, found):
    Customer.objects.filter(pk=ada.pk).update(last_name="Lovelace")
    answer = logged_in(root).get(page(CUSTOMER, "changelist"), {"q": term})
    assert found is None or [customer.username for customer in answer.context["cl"].result_list] == found


def test_customers_are_found_by_id(root, ada):
    answer = logged_in(root).get(page(CUSTOMER, "changelist"), {"q": str(ada.pk)})
    assert list(answer.context["cl"].result_list) == [ada]


def test_ledger_entries_are_found_by_customer(root, ada, make_customer):
    make_customer("grace", credit=5)
    for term in ("ADA", str(ada.pk)):
        answer = logged_in(root).get(page(LEDGER, "changelist"), {"q": term})
        assert ada.account.ledger.get() in answer.context["cl"].result_list
    assert len(logged_in(root).get(page(LEDGER, "changelist"), {"q": "ADA"}).context["cl"].result_list) == 1
