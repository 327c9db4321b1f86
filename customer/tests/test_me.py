"""What customers learn of themselves, and their password."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from rest_framework.test import APIClient

from customer.models import Customer
from tests.fixtures import PASSWORD

NEW = "another horse"


@pytest.fixture
def ada(make_customer):
    return make_customer("ada", credit=100)


@pytest.fixture
def client(ada):
    """Logged in, with the tokens that a login gave."""
    client = APIClient()
    tokens = client.post("/customer/login/", {"username": "ada", "password": PASSWORD}, format="json").json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    client.refresh = tokens["refresh"]
    return client


def change(client, old=PASSWORD, new=NEW, **more):
    return client.put("/customer/password/", {"old_password": old, "new_password": new, **more}, format="json")


def test_a_profile_says_who_the_customer_is_and_what_is_left(client, ada):
    assert client.get("/customer/profile/").json() == {
        "id": ada.pk,
        "username": "ada",
        "first_name": "",
        "last_name": "",
        "credit": 100,
        "joined": ada.date_joined.isoformat().replace("+00:00", "Z"),
    }


def test_a_change_of_password_ends_earlier_tokens_and_gives_new_ones(client):
    answer = change(client)
    assert answer.status_code == 200
    assert client.get("/customer/profile/").status_code == 401
    assert client.post("/customer/token/refresh/", {"refresh": client.refresh}, format="json").status_code == 401

    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get("/customer/profile/").status_code == 200
    client.credentials()
    assert (
        client.post("/customer/token/refresh/", {"refresh": answer.json()["refresh"]}, format="json").status_code == 200
    )
    for password, status in ((PASSWORD, 401), (NEW, 200)):
        login = client.post("/customer/login/", {"username": "ada", "password": password}, format="json")
        assert login.status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"old_password": "wrong horse", "new_password": NEW}, "old_password"),
        ({"old_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"old_password": PASSWORD, "new_password": "12345678"}, "new_password"),
        ({"old_password": PASSWORD}, "new_password"),
        ({"new_password": NEW}, "old_password"),
        ({"old_password": PASSWORD, "new_password": "x" * 257}, "new_password"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_changes_nothing(client, ada, body, field):
    answer = client.put("/customer/password/", body, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert Customer.objects.get(pk=ada.pk).check_password(PASSWORD)
    assert client.get("/customer/profile/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_changes_at_once_with_the_same_old_password_one_succeeds(client, ada):
    together, authorization = Barrier(4), client._credentials

    def one(number):
        mine = APIClient()
        mine.credentials(**authorization)
        try:
            together.wait()
            return number, change(mine, new=f"another horse {number}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = dict(pool.map(one, range(4)))
    (winner,) = [number for number, status in answers.items() if status == 200]
    assert set(answers.values()) <= {200, 400, 401}
    assert Customer.objects.get(pk=ada.pk).check_password(f"another horse {winner}")


def test_the_old_password_cannot_be_guessed_with_a_stolen_token(client, ada):
    answers = [change(client, old=f"guess {number}").status_code for number in range(12)]
    assert answers == [400] * 10 + [429] * 2
    refused = change(client)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) >= 1
