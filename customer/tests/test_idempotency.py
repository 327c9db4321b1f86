"""The header Idempotency-Key, on top-ups and creations."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from customer import accounts, idempotency
from customer.errors import AccountBusy
from customer.models import Account, IdempotencyKey, LedgerEntry
from subscription.models import Subscription

TOP_UP = ("put", "/customer/increasecredit/", {"credit": 5})
CREATE = ("post", "/subscription/create/", {"name": "VM", "price": 5})
REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def ada(make_customer):
    return make_customer("ada", credit=100)


@pytest.fixture
def send(client_of, ada):
    client = client_of(ada)

    def send(method, path, body, key=None, **options):
        headers = {} if key is None else {"Idempotency-Key": key}
        return getattr(client, method)(path, body, format=options.pop("format", "json"), headers=headers, **options)

    return send


def effects(customer):
    """What the customer has been given: top-ups and subscriptions, and the credit."""
    top_ups = LedgerEntry.objects.filter(account=customer.pk, kind="top_up").count()
    subscribed = Subscription.objects.filter(customer=customer).count()
    return top_ups, subscribed, Account.objects.get(pk=customer.pk).credit


@pytest.mark.parametrize(("request_", "expected"), [(TOP_UP, (1, 0, 105)), (CREATE, (0, 1, 100))])
def test_a_request_sent_again_has_one_effect_and_the_first_answer(send, ada, request_, expected):
    first = send(*request_, key="k-1")
    assert REPLAYED not in first.headers
    for _ in range(2):
        again = send(*request_, key="k-1")
        assert again.headers[REPLAYED] == "true"
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert effects(ada) == expected


def test_what_has_happened_since_does_not_change_the_answer(send, ada):
    first = send(*TOP_UP, key="k")
    send(*TOP_UP)
    assert send(*TOP_UP, key="k").json() == first.json() == {"credit": 105}
    assert effects(ada) == (2, 0, 110)


def test_another_key_or_none_is_another_request(send, ada):
    for key in ("a", "b", "A", None, None):
        assert REPLAYED not in send(*TOP_UP, key=key).headers
    assert effects(ada) == (5, 0, 125)


@pytest.mark.parametrize(
    "other",
    [
        ("put", "/customer/increasecredit/", {"credit": 6}),
        ("put", "/customer/increasecredit/", {"credit": "5"}),
        ("put", "/customer/increasecredit/", {"credit": 5, "more": 1}),
        ("put", "/customer/increasecredit/", {"credit": -1}),
        CREATE,
    ],
)
def test_a_key_used_for_another_request_is_refused(send, ada, other):
    send(*TOP_UP, key="k")
    answer = send(*other, key="k")
    assert (answer.status_code, answer.json()) == (
        422,
        {"detail": "This idempotency key was used for another request."},
    )
    assert effects(ada) == (1, 0, 105)


def test_the_same_body_for_another_operation_is_another_request(send, ada):
    body = {"credit": 5, "name": "VM", "price": 5}  # what each does not know it ignores
    assert send("put", "/customer/increasecredit/", body, key="k").status_code == 200
    assert send("post", "/subscription/create/", body, key="k").status_code == 422
    assert effects(ada) == (1, 0, 105)


def test_the_same_body_may_be_written_otherwise(send, ada):
    first = send("post", "/subscription/create/", {"name": "VM", "price": 5}, key="k")
    for path in ("/subscription/create/", "/subscription/create"):
        again = send("post", path, {"price": 5, "name": "VM"}, key="k")
        assert (again.headers[REPLAYED], again.content) == ("true", first.content)
    assert effects(ada) == (0, 1, 100)


def test_a_form_is_no_json(send, ada):
    send("put", "/customer/increasecredit/", {"credit": "5"}, key="k", format="multipart")
    for body in ({"credit": ["5"]}, {"credit": "5"}, ["form", {"credit": ["5"]}]):
        assert send("put", "/customer/increasecredit/", body, key="k").status_code in (400, 422)
    assert effects(ada) == (1, 0, 105)


def test_a_form_is_replayed_too(send, ada):
    for replayed in (None, "true"):
        assert send(*TOP_UP, key="k", format="multipart").headers.get(REPLAYED) == replayed
    assert effects(ada) == (1, 0, 105)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("abc", '"abc"', True),
        (" abc ", "abc", True),
        (r'"a\"b\\c"', r'"a\"b\\c"', True),
        ('"a b"', "a b", True),
        ("a b", "a  b", False),
        ("abc", "'abc'", False),
    ],
)
def test_a_key_may_stand_in_quotes(send, ada, one, other, same):
    send(*TOP_UP, key=one)
    assert (REPLAYED in send(*TOP_UP, key=other).headers) is same
    assert effects(ada)[0] == 2 - same


@pytest.mark.parametrize(
    "key", ["", " ", '""', "x" * 256, "کلید", "tab\there", "\xa0k", "k\x85", '"open', '"a"b"', r'"\x"']
)
def test_what_is_no_key_is_refused_and_has_no_effect(send, ada, key):
    answer = send(*TOP_UP, key=key)
    assert answer.status_code == 400
    assert list(answer.json()) == ["Idempotency-Key"]
    assert effects(ada) == (0, 0, 100)


def test_a_key_may_have_255_characters(send, ada):
    key = "".join(chr(32 + number % 95) for number in range(1, 256)).replace('"', "q")
    assert send(*TOP_UP, key=key).status_code == 200
    assert send(*TOP_UP, key=key).headers[REPLAYED] == "true"


def test_a_refused_request_keeps_no_key(send, ada):
    for body in ({"credit": 0}, {"credit": 2**63 - 1}, {}):
        assert send("put", "/customer/increasecredit/", body, key="k").status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert send(*TOP_UP, key="k").status_code == 200
    assert effects(ada) == (1, 0, 105)


def test_a_key_belongs_to_its_customer(send, ada, make_customer, client_of):
    send(*TOP_UP, key="k")
    grace = make_customer("grace")
    answer = client_of(grace).put(
        "/customer/increasecredit/", {"credit": 5}, format="json", headers={"Idempotency-Key": "k"}
    )
    assert (answer.json(), REPLAYED in answer.headers) == ({"credit": 5}, False)


def test_a_key_opens_nothing_without_a_token(send, ada):
    send(*TOP_UP, key="k")
    answer = APIClient().put(
        "/customer/increasecredit/", {"credit": 5}, format="json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 401


def test_an_account_set_aside_keeps_no_key_but_replays_what_it_has(send, ada):
    first = send(*TOP_UP, key="old")
    accounts.set_aside(customer_id=ada.pk, error="a test's")
    assert send(*TOP_UP, key="new").status_code == 503
    assert send(*TOP_UP, key="old").content == first.content
    assert IdempotencyKey.objects.get().key == "old"


def test_an_account_that_is_busy_is_409_whatever_the_database(send, monkeypatch):
    def busy(**_):
        raise AccountBusy

    monkeypatch.setattr(accounts, "top_up", busy)
    answer = send(*TOP_UP)
    assert (answer.status_code, list(answer.json())) == (409, ["detail"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("request_", [TOP_UP, CREATE])
def test_requests_at_once_have_one_effect_and_one_answer(ada, client_of, request_):
    method, path, body = request_
    together, client = Barrier(8), client_of(ada)

    def one(_):
        try:
            together.wait()
            return getattr(client, method)(path, body, format="json", headers={"Idempotency-Key": "k"})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert sorted(answer.headers.get(REPLAYED, "") for answer in answers) == [""] + ["true"] * 7
    assert sum(effects(ada)[:2]) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_a_request_that_waits_too_long_for_another_is_told_so(send, ada, monkeypatch):
    monkeypatch.setattr(idempotency, "PATIENCE", 1)

    def another():
        try:
            return send(*TOP_UP, key="k")
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor() as pool:
        Account.objects.select_for_update().get(pk=ada.pk)
        answer = pool.submit(another).result()
    assert answer.status_code == 409
    assert send(*TOP_UP, key="k").headers.get(REPLAYED) is None
    assert effects(ada) == (1, 0, 105)


DAMAGED = (
    ["status = 7"] if connection.vendor == "postgresql" else ["status = ''", "status = '2030-01-01'", "answer = 'x'"]
)


@pytest.mark.parametrize("damage", [*DAMAGED, "answer = ''"])
def test_a_key_whose_answer_cannot_be_read_is_503_and_has_no_second_effect(send, ada, damage):
    send(*TOP_UP, key="k")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE customer_idempotencykey SET {damage}")
    answer = send(*TOP_UP, key="k")
    assert (answer.status_code, list(answer.json())) == (503, ["detail"])
    assert effects(ada) == (1, 0, 105)
    assert send(*TOP_UP, key="another").status_code == 200
