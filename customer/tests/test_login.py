import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import make_password
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from customer import customers
from customer.models import Customer
from customer.throttling import PAIR
from subscription_task import settings as as_written
from tests.fixtures import PASSWORD

BAD = {"detail": "No active account found with the given credentials"}


def login(username="ada", password=PASSWORD, **headers):
    body = {"username": username, "password": password}
    return APIClient().post("/customer/login/", body, format="json", **headers)


def refresh(token):
    return APIClient().post("/customer/token/refresh/", {"refresh": token}, format="json")


def use(token):
    return APIClient().get("/invoice/statistics", HTTP_AUTHORIZATION=f"Bearer {token}")


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def forged(token, *, key, algorithm="HS256"):
    return jwt.encode(claims(token), key, algorithm=algorithm)


@pytest.mark.django_db
def test_the_published_example_logs_in():
    customers.register(username="Alifa", password="ali1380")
    response = login("Alifa", "ali1380")
    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert use(response.json()["access"]).status_code == 200


@pytest.mark.django_db
def test_an_access_token_lives_thirty_minutes(make_customer, monkeypatch):
    now = datetime.now(UTC)  # for both claims, which are read one after the other
    monkeypatch.setattr(simplejwt, "aware_utcnow", lambda: now)
    make_customer("ada")
    answer = login().json()
    access = claims(answer["access"])
    again = claims(refresh(answer["refresh"]).json()["access"])
    assert access["exp"] - access["iat"] == again["exp"] - again["iat"] == 30 * 60


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["Straße", "STRASSE", "strasse", "ｓｔｒａｓｓｅ", " Straße "])
def test_a_username_is_the_same_in_every_spelling(make_customer, username):
    make_customer("Straße")
    assert login(username).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("password", [" correct horse ", "       ", "\tcorrect\t"])
def test_a_password_is_taken_to_the_letter(password):
    registered = APIClient().post("/customer/register/", {"username": "ada", "password": password}, format="json")
    assert registered.status_code == 201
    assert login(password=password).status_code == 200
    assert login(password=password.strip() or " ").status_code == 401


@pytest.mark.django_db
def test_all_failures_look_the_same(make_customer):
    make_customer("ada")
    gone = make_customer("gone")
    Customer.objects.filter(pk=gone.pk).update(is_active=False)
    for response in (login(password="wrong horse"), login("nobody"), login("gone"), login("gone", "wrong horse")):
        assert response.status_code == 401
        assert response.json() == BAD
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"username", "password"}),
        ({"username": "ada"}, {"password"}),
        ({"password": "x"}, {"username"}),
        ({"username": "", "password": ""}, {"username", "password"}),
        ({"username": None, "password": "x"}, {"username"}),
        ({"username": ["ada"], "password": "x"}, {"username"}),
        ({"username": "a\x00", "password": "x"}, {"username"}),
        ({"username": "\ud800", "password": "\ud800"}, {"username", "password"}),
        ({"username": "x" * 151, "password": "x"}, {"username"}),
        ({"username": "\u0300\u0316" * 40_000, "password": "x"}, {"username"}),
    ],
    ids=lambda value: ascii(sorted(value) if isinstance(value, set) else value)[:30],
)
def test_a_body_that_is_no_login_is_400(body, fields):
    response = APIClient().post("/customer/login/", json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert set(response.json()) == fields


@pytest.mark.django_db
def test_failed_logins_are_throttled(make_customer):
    make_customer("ada")
    statuses = [login(password="wrong horse").status_code for _ in range(PAIR.failures)]
    assert set(statuses) == {401}
    response = login(password="wrong horse")
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= PAIR.seconds
    assert list(response.json()) == ["detail"]


@pytest.mark.django_db
def test_logins_that_succeed_are_never_throttled(make_customer):
    make_customer("ada")
    assert {login().status_code for _ in range(3 * PAIR.failures)} == {200}


@pytest.mark.django_db
def test_failures_lock_out_neither_another_name_nor_another_address(make_customer):
    make_customer("ada")
    make_customer("grace")
    for _ in range(PAIR.failures):
        login(password="wrong horse")
    assert login().status_code == 429
    assert login("grace").status_code == 200
    assert login(REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "variant",
    [
        lambda n: {"username": " " * n + "ada"},
        lambda n: {"username": "ada" + "\t\u3000"[n % 2] * n},
        lambda n: {"username": ["ada", "ADA", "ａｄａ", "Ada"][n % 4]},
        lambda n: {"HTTP_X_FORWARDED_FOR": f"192.0.2.{n}"},
        lambda n: {"HTTP_X_REAL_IP": f"192.0.2.{n}", "HTTP_FORWARDED": f"for=192.0.2.{n}"},
    ],
)
def test_the_throttle_sees_through_spellings_and_headers(make_customer, variant):
    make_customer("ada")
    for n in range(PAIR.failures):
        assert login(password="wrong horse", **variant(n)).status_code == 401
    assert login(password="wrong horse", **variant(99)).status_code == 429


@pytest.mark.django_db
def test_behind_a_proxy_only_the_address_that_it_adds_counts(make_customer, monkeypatch):
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)
    make_customer("ada")
    for n in range(PAIR.failures):
        login(password="wrong horse", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}, 198.51.100.1")
    assert login(HTTP_X_FORWARDED_FOR="192.0.2.99, 198.51.100.1").status_code == 429
    assert login(HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.1").status_code == 200


@pytest.mark.django_db
def test_a_refresh_token_works_again_and_again(make_customer):
    make_customer("ada")
    token = login().json()["refresh"]
    for _ in range(3):
        response = refresh(token)
        assert response.status_code == 200
        assert list(response.json()) == ["access"]
        assert use(response.json()["access"]).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": None}, {"refresh": []}, {"refresh": "a\x00"}])
def test_a_refresh_without_a_token_is_400(body):
    response = APIClient().post("/customer/token/refresh/", body, format="json")
    assert response.status_code == 400
    assert list(response.json()) == ["refresh"]


def deep_header():
    return base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=") + ".e30.x"


def expired(kind, customer):
    token = kind.for_user(customer)
    token.set_exp(lifetime=-timedelta(seconds=1))
    return str(token)


WRONG_TOKENS = {
    "expired": expired,
    "another key": lambda kind, customer: forged(str(kind.for_user(customer)), key="k" * 50),
    "no signature": lambda kind, customer: forged(str(kind.for_user(customer)), key=None, algorithm="none"),
    "another algorithm": lambda kind, customer: forged(
        str(kind.for_user(customer)), key=django_settings.SECRET_KEY * 2, algorithm="HS512"
    ),
    "the other kind": lambda kind, customer: str(
        (AccessToken if kind is RefreshToken else RefreshToken).for_user(customer)
    ),
    "changed payload": lambda kind, customer: ".".join(
        [
            *str(kind.for_user(customer)).split(".")[:1],
            base64.urlsafe_b64encode(json.dumps({"user_id": "1"}).encode()).decode().rstrip("="),
            *str(kind.for_user(customer)).split(".")[2:],
        ]
    ),
    "no token": lambda kind, customer: "x",
    "dots": lambda kind, customer: "..",
    "absurd nesting": lambda kind, customer: deep_header(),
    "not ASCII": lambda kind, customer: "é.é.é",
}


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", WRONG_TOKENS)
def test_a_wrong_refresh_token_is_401(make_customer, wrong):
    response = refresh(WRONG_TOKENS[wrong](RefreshToken, make_customer("ada")))
    assert response.status_code == 401
    assert list(response.json()) == ["detail", "code"]
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.django_db
def test_a_token_from_before_a_change_of_password_says_so_whichever_it_is(make_customer):
    ada = make_customer("ada")
    tokens = login().json()
    customers.change_password(ada, old=PASSWORD, new="another horse")
    said = {"detail": "The user's password has been changed.", "code": "password_changed"}
    assert (refresh(tokens["refresh"]).json(), use(tokens["access"]).json()) == (said, said)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", WRONG_TOKENS)
def test_a_wrong_access_token_is_401(make_customer, wrong):
    response = use(WRONG_TOKENS[wrong](AccessToken, make_customer("ada")))
    assert response.status_code == 401
    assert list(response.json()) == ["detail", "code"]
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer a b", "Basic YWRhOng=", "Token x", "ada"])
def test_any_other_authorization_is_401(header):
    response = APIClient().get("/invoice/statistics", HTTP_AUTHORIZATION=header)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["deactivated", "deleted"])
def test_tokens_die_with_their_customer_at_once(make_customer, end):
    customer = make_customer("ada")
    tokens = login().json()
    assert use(tokens["access"]).status_code == 200
    if end == "deleted":
        customers.delete(customer_id=customer.pk, by=None)
    else:
        Customer.objects.filter(pk=customer.pk).update(is_active=False)
    for response in (use(tokens["access"]), refresh(tokens["refresh"])):
        assert response.status_code == 401
        assert list(response.json()) == ["detail", "code"]
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.django_db
def test_tokens_die_with_their_password_and_new_ones_live(make_customer):
    customer = make_customer("ada")
    tokens = login().json()
    customer.set_password("a new horse")
    customers.save(customer)
    for response in (use(tokens["access"]), refresh(tokens["refresh"])):
        assert response.status_code == 401
        assert list(response.json()) == ["detail", "code"]
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    tokens = login(password="a new horse").json()
    assert use(tokens["access"]).status_code == 200
    assert use(refresh(tokens["refresh"]).json()["access"]).status_code == 200


@pytest.mark.django_db
def test_a_password_of_older_days_is_hashed_anew_at_login_and_the_tokens_of_that_login_live(make_customer, settings):
    settings.PASSWORD_HASHERS = as_written.PASSWORD_HASHERS
    customer = make_customer("ada")
    Customer.objects.filter(pk=customer.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    tokens = login().json()
    customer.refresh_from_db()
    assert customer.password.startswith("argon2$argon2id$")
    assert use(tokens["access"]).status_code == 200
    assert refresh(tokens["refresh"]).status_code == 200


@pytest.mark.django_db
def test_tokens_live_again_with_their_customer(make_customer):
    customer = make_customer("ada")
    token = login().json()["access"]
    Customer.objects.filter(pk=customer.pk).update(is_active=False)
    Customer.objects.filter(pk=customer.pk).update(is_active=True)
    assert use(token).status_code == 200
