"""Tokens that nobody gave, as one table: whatever is forged, the answer is 401, for access and for refresh."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from customer import customers
from customer.models import Customer
from tests.fixtures import PASSWORD


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def made(claims, *, key=None, digest="sha256", **header):
    """A token put together by hand, with any header; signed with our own key, if with no other."""
    key = settings.SECRET_KEY.encode() if key is None else key
    signed = encoded({"typ": "JWT", "alg": "HS256"} | header) + b"." + encoded(claims)
    return (signed + b"." + encoded(hmac.new(key, signed, digest).digest())).decode()


def changed(**changes):
    """Signed with our own key, with claims that we never make; `...` leaves one out."""

    def token(claims):
        said = {name: value() if callable(value) else value for name, value in changes.items()}
        return made({name: value for name, value in (claims | said).items() if value is not ...})

    return token


def unsigned(algorithm):
    return lambda claims: (encoded({"typ": "JWT", "alg": algorithm}) + b"." + encoded(claims) + b".").decode()


NOW = int(time.time())
FORGED = {
    # no signature
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg HS256 and none": unsigned("HS256"),
    "no alg": lambda claims: made(claims, alg=None),
    "alg is a list": lambda claims: made(claims, alg=["HS256", "none"]),
    # another algorithm, even with our key
    "HS384": lambda claims: made(claims, alg="HS384", digest="sha384"),
    "HS512": lambda claims: made(claims, alg="HS512", digest="sha512"),
    "RS256 signed as HS256": lambda claims: made(claims, alg="RS256"),
    "ES256 signed as HS256": lambda claims: made(claims, alg="ES256"),
    "PS256 signed as HS256": lambda claims: made(claims, alg="PS256"),
    "EdDSA signed as HS256": lambda claims: made(claims, alg="EdDSA"),
    "hs256 in small letters": lambda claims: made(claims, alg="hs256"),
    # another key, however it is named
    "an empty key": lambda claims: made(claims, key=b""),
    "a short key": lambda claims: made(claims, key=b"secret"),
    "a key that the token names": lambda claims: made(claims, key=b"k", kid="k"),
    "a key from a file": lambda claims: made(claims, key=b"", kid="../../../../dev/null"),
    "a key from a query": lambda claims: made(claims, key=b"k", kid="x' UNION SELECT 'k"),
    "a key from another host": lambda claims: made(claims, key=b"k", jku="http://127.0.0.1:9/keys", kid="k"),
    "a key that it brings": lambda claims: made(claims, key=b"k", jwk={"kty": "oct", "k": "aw"}),
    "a certificate that it brings": lambda claims: made(claims, key=b"k", x5c=["aw=="], x5u="http://127.0.0.1:9/"),
    # a header that must be understood and is not
    "a critical header": lambda claims: made(claims, crit=["x"], x=1),
    # claims that even our own key does not make good
    "no kind": changed(token_type=...),
    "another kind": changed(token_type="sliding"),
    "no customer": changed(user_id=...),
    "a customer that there is not": changed(user_id="999999999"),
    "a customer beyond all ids": changed(user_id="9" * 30),
    "no end": changed(exp=...),
    "an end that is no number": changed(exp="tomorrow"),
    "long expired": changed(exp=NOW - 3600),
    "just expired": changed(exp=NOW - 1),
    "not yet valid": changed(nbf=NOW + 3600),
    "made in the future": changed(iat=NOW + 3600),
    "made further ahead than clocks differ": changed(iat=lambda: time.time() + 60, nbf=lambda: time.time() + 60),
    "no id": changed(jti=...),
    "no password": changed(hash_password=...),
    "another password": changed(hash_password="0" * 32),
    "claims that are a list": lambda claims: made([claims]),
    # what is no token
    "no signature at all": lambda claims: made(claims).rpartition(".")[0],
    "a cut signature": lambda claims: made(claims)[:-1],
    "a signature with more behind it": lambda claims: made(claims) + ".x",
    "a changed payload": lambda claims: ".".join(
        [made(claims).split(".")[0], encoded(claims | {"exp": NOW + 10**6}).decode(), made(claims).split(".")[2]]
    ),
    "a serialised object": lambda claims: encoded({"payload": claims, "signature": "x"}).decode(),
}


@pytest.fixture
def ada(make_customer):
    return make_customer("ada")


def use(token):
    return APIClient().get("/invoice/statistics", HTTP_AUTHORIZATION=f"Bearer {token}")


def refresh(token):
    return APIClient().post("/customer/token/refresh/", {"refresh": token}, format="json")


WAYS = {"access": (AccessToken, use), "refresh": (RefreshToken, refresh)}


def claims_of(kind, customer):
    return jwt.decode(str(kind.for_user(customer)), options={"verify_signature": False})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_token_is_401(ada, forgery, way):
    kind, send = WAYS[way]
    answer = send(FORGED[forgery](claims_of(kind, ada)))
    assert answer.status_code == 401, answer.content
    said = answer.json()
    assert set(said) == {"detail", "code"}
    assert said["code"] in ("token_not_valid", "user_not_found", "password_changed"), said
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("way", WAYS)
def test_what_the_forgeries_are_made_of_is_a_good_token(ada, way):
    kind, send = WAYS[way]
    assert send(made(claims_of(kind, ada))).status_code == 200


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_of_a_host_whose_clock_is_some_seconds_ahead_is_good(ada, claim, way):
    kind, send = WAYS[way]
    assert send(made(claims_of(kind, ada) | {claim: time.time() + 8})).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_token_ends_at_its_second_whatever_the_clocks(ada, way, monkeypatch):
    kind, send = WAYS[way]
    token = kind.for_user(ada)
    end = datetime.fromtimestamp(token["exp"], UTC)
    with monkeypatch.context() as patched:
        patched.setattr("rest_framework_simplejwt.tokens.aware_utcnow", lambda: end - timedelta(microseconds=1))
        assert send(str(token)).status_code == 200
        patched.setattr("rest_framework_simplejwt.tokens.aware_utcnow", lambda: end)
        answer = send(str(token))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("space", [" ", "   "])
def test_the_scheme_is_read_in_any_case(ada, scheme, space):
    answer = APIClient().get("/invoice/statistics", HTTP_AUTHORIZATION=f"{scheme}{space}{AccessToken.for_user(ada)}")
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("header", ["Token x", "Bearerx", "Basic YTpi", "", "bearer", "bearer x y"])
def test_what_is_no_token_is_401(header):
    answer = APIClient().get("/invoice/statistics", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


CODES = {
    # what became of the token's customer: what programs read of it
    "user_inactive": lambda ada: Customer.objects.filter(pk=ada.pk).update(is_active=False),
    "user_not_found": lambda ada: customers.delete(customer_id=ada.pk, by=None),
    "password_changed": lambda ada: by_the_customer(ada),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", CODES)
def test_why_a_token_is_refused_has_the_code_of_simplejwt(ada, code, way):
    kind, send = WAYS[way]
    token = str(kind.for_user(ada))
    CODES[code](ada)
    answer = send(token)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def by_the_customer(ada):
    ada.set_password("another horse")
    customers.save(ada)


def by_an_operator(ada):
    boss = Client()
    boss.force_login(Customer.objects.create_superuser("boss"))
    form = {"usable_password": "true", "password1": "another horse", "password2": "another horse"}
    assert boss.post(f"/admin/customer/customer/{ada.pk}/password/", form).status_code == 302


def by_taking_the_password_away(ada):
    ada.set_unusable_password()
    customers.save(ada)


ENDS = {
    "a new password": by_the_customer,
    "a new password by an operator": by_an_operator,
    "no password any more": by_taking_the_password_away,
    "deactivation": lambda ada: Customer.objects.filter(pk=ada.pk).update(is_active=False),
    "deletion": lambda ada: customers.delete(customer_id=ada.pk, by=None),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", ENDS)
def test_a_token_dies_with(ada, end, way):
    kind, send = WAYS[way]
    given = APIClient().post("/customer/login/", {"username": "ada", "password": PASSWORD}).json()
    renewed = refresh(given["refresh"]).json()["access"]
    assert send(given[way]).status_code == 200
    ENDS[end](ada)
    assert send(given[way]).status_code == 401
    assert use(renewed).status_code == 401


def test_a_session_of_the_admin_dies_with_its_password(ada):
    Customer.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    session = Client()
    assert session.login(username="ada", password=PASSWORD)
    assert session.get("/admin/").status_code == 200
    by_the_customer(ada)
    assert session.get("/admin/").status_code == 302
