"""With `Accept-Language: fa` whatever the API says to people is Persian; without it, English."""

import importlib
import io
import itertools
import json
import logging
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework import exceptions, serializers
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from customer import accounts, limits, throttling
from customer.errors import DepositLimit
from customer.models import Account, Customer, LoginCounter
from subscription import subscriptions
from subscription_task import documents, errors
from subscription_task.http.language import Language
from tests import catalogue, servers
from tests.fixtures import PASSWORD

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
PERSIAN = re.compile(r"[\u0600-\u06ff]")
LATIN = re.compile(r"[A-Za-z]\w*")
NAMES = (
    "Accept Authorization Content-Type Content-Length Idempotency-Key DJANGO_ALLOWED_HOSTS username password"
    " JSON ASCII UTF-8 utf-8 utf-8-sig BOM NUL U MiB multipart boundary base64 exp D800"
    " null true false a-z A-Z IPv4 IPv6 UUID NaN Infinity"
    " str list dict int float bool NoneType xff xe2 x80 leeway timedelta cryptography"
    " YYYY-MM-DDThh:mm:ss Z HH:MM IANA Asia/Tehran T12 json csv"
)
"""What programs, and their authors, know by these names: headers, settings, types, encodings, units."""


def words(text: str) -> set[str]:
    return {word.casefold() for word in LATIN.findall(text)}


def is_persian(text: str, *, but: str = "") -> bool:
    """Whether a text is Persian, but for NAMES and for words that are in `but`."""
    named = re.sub(r"`\w+`", "", text)
    return bool(PERSIAN.search(text)) and not words(named) - words(NAMES) - words(but)


def texts(answer: Any) -> Iterator[str]:
    """What an answer says, without the names of fields."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list):
        for each in answer:
            yield from texts(each)
    else:
        yield answer


def shape(answer: Any) -> Any:
    """An answer without what it says."""
    if isinstance(answer, dict):
        return {name: shape(value) for name, value in answer.items()}
    return [shape(value) for value in answer] if isinstance(answer, list) else type(answer)


@pytest.fixture
def ada(make_customer) -> Customer:
    return make_customer("ada", credit=1000)


@pytest.fixture
def client(ada, client_of) -> APIClient:
    client = client_of(ada)
    client.raise_request_exception = False
    return client


@pytest.fixture
def nobody() -> APIClient:
    return APIClient(raise_request_exception=False)


def send(client, method, path, body="", content_type=JSON, **extra) -> HttpResponse:
    return client.generic(method, path, body, content_type=content_type, **extra)


def in_both(ask: Callable[[str], HttpResponse], sent: str) -> int:
    """Asks in both languages; where the answer is an error, it is the same but for its language. Returns the status.

    What the request has `sent` may be repeated by the answer.
    """
    english = ask("en")
    if english.status_code < 400:
        return english.status_code
    persian = ask("fa-IR, fa;q=0.9, en;q=0.5")
    assert (persian.status_code, persian["Content-Type"]) == (english.status_code, JSON)
    assert persian["Content-Language"] == "fa"
    assert english["Content-Language"] == "en"
    for answer in (persian, english):
        assert "Accept-Language" in answer["Vary"]
    said, there = english.json(), persian.json()
    if isinstance(said, dict):
        assert said.pop("code", None) == there.pop("code", None)  # for programs
    assert shape(there) == shape(said)
    for english_text, persian_text in zip(texts(said), texts(there), strict=True):
        assert is_persian(persian_text, but=sent), f"{english_text!r} is {persian_text!r}"
        assert not PERSIAN.search(english_text) or PERSIAN.search(sent), english_text
    assert b"\\u06" not in persian.content
    return english.status_code


# --- what is asked for wrongly, field by field ---------------------------------------------------

BODIES: dict[str, tuple[str, str, dict]] = {
    "register": (
        "POST",
        "/customer/register/",
        {"username": "grace", "password": "correct horse", "first_name": "", "last_name": "", "credit": 0},
    ),
    "login": ("POST", "/customer/login/", {"username": "nobody", "password": "x"}),
    "refresh": ("POST", "/customer/token/refresh/", {"refresh": "x"}),
    "password": ("PUT", "/customer/password/", {"old_password": "wrong", "new_password": "another horse"}),
    "increasecredit": ("PUT", "/customer/increasecredit/", {"credit": 2**63 - 1}),
    "create": ("POST", "/subscription/create/", {"name": "VM", "price": 5, "isactive": True}),
    "editactivation": ("PUT", "/subscription/editactivation/1/", {"isactive": True}),
}
BAD = [
    *(None, "", " ", [], ["x"], {}, {"a": 1}, 1.5, True, -1, 0, 7, 10**30, 2**63, "1.0", "۵", "abc", "ADA", "grace"),
    *("a b!", "x" * 300, "12345678", "password", "short", "\u0000", "\ud800", "grace hopper"),
]


@pytest.mark.parametrize("endpoint", BODIES)
def test_every_field_refuses_every_bad_value_in_persian(client, endpoint):
    method, path, good = BODIES[endpoint]
    found = set()
    for field, bad in itertools.product(good, BAD):
        body = json.dumps(good | {field: bad})
        found.add(in_both(_asking(client, method, path, body), body))
    for field in good:
        body = json.dumps({name: value for name, value in good.items() if name != field})
        found.add(in_both(_asking(client, method, path, body), body))
    assert 400 in found


def _asking(client, method, path, body="", content_type=JSON, **extra):
    def ask(language):
        LoginCounter.objects.all().delete()
        return send(client, method, path, body, content_type, HTTP_ACCEPT_LANGUAGE=language, **extra)

    return ask


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.parametrize("body", ["[]", "5", '"x"', "null", "[[]]"])
def test_what_is_no_object_is_refused_in_persian(client, endpoint, body):
    method, path, _ = BODIES[endpoint]
    assert in_both(_asking(client, method, path, body), body) in (400, 401, 404)


PARAMETERS = {
    "/subscription/list": ("page_size", "cursor", "active", "isactive", "paused", "name", "format"),
    "/invoice/list": (
        "page_size",
        "cursor",
        "subscription",
        "from",
        "to",
        "tz",
        "amount",
        "amount_min",
        "amount_max",
        "format",
    ),
    "/invoice/statistics": ("from", "to", "group_by", "tz", "format"),
    "/invoice/forecast": ("credit", "days"),
    "/customer/statement": ("page_size", "cursor", "format"),
}
BAD_PARAMETERS = ["", " ", "x", "-1", "0", "1.5", "۵", str(10**30), "%00", "x" * 300, "2030-13-01", "2030-01-01", "x;x"]


@pytest.mark.parametrize("path", PARAMETERS)
def test_every_parameter_refuses_every_bad_value_in_persian(client, path):
    """In English first: what a serializer that is kept has said once, it says again in the other language."""
    found = set()
    for name, value in itertools.product(PARAMETERS[path], BAD_PARAMETERS):
        found.add(in_both(_asking(client, "GET", f"{path}?{name}={value}"), f"{name} {value} {name.split('_')}"))
    assert found & {400, 404}


def test_all_that_the_documents_name_is_asked_for_wrongly_above():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    parameters, bodies = {}, set()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
            parameters |= {path: named} if named else {}
            for body in list(operation.get("requestBody", {}).get("content", {}).values())[:1]:
                fields = schema["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]["properties"]
                bodies.add((method.upper(), path.format(subid=1), frozenset(fields)))
    files = {path: parameters.pop(path) for path in sorted(parameters) if path.endswith(".csv")}
    # `format` is told of in words alone, and a file is asked for as the list beside it.
    assert {path: set(names) - {"format"} for path, names in PARAMETERS.items()} == parameters
    assert all(names <= parameters[path.removesuffix(".csv")] for path, names in files.items())
    assert {(method, path, frozenset(fields)) for method, path, fields in BODIES.values()} == bodies


UNREADABLE = {
    "nothing": "{",
    "no value": '{"credit": }',
    "no name": "{1: 1}",
    "no colon": '{"credit" 1}',
    "no comma": '{"credit": 1 "a": 2}',
    "a comma too many": '{"credit": 1,}',
    "an array with a comma too many": "[1,]",
    "an open string": '{"credit',
    "a control character": '{"credit": "\n"}',
    "an escape": '{"credit": "\\x"}',
    "a code": '{"credit": "\\uZZZZ"}',
    "more than one": "{} {}",
    "a BOM": "\ufeff{}",
    "no number": '{"credit": NaN}',
    "no end": '{"credit": -Infinity}',
    "too deep": "[" * 100,
    "much too deep": "[" * 100_000,
    "too deep, but closed": "[" * 50 + "]" * 50,
    "a byte": b'{"credit": "\xff"}',
    "half a letter": b'{"credit": "\xe2\x82',
    "a letter that does not go on": b'{"credit": "\xe2\x28\xa1"}',
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_json_that_cannot_be_read_is_refused_in_persian(client, what):
    body = UNREADABLE[what]
    assert in_both(_asking(client, "PUT", "/customer/increasecredit/", body), "") == 400


def test_bytes_that_are_no_ascii_are_refused_in_persian(client):
    asking = _asking(client, "PUT", "/customer/increasecredit/", b"\xff", f"{JSON}; charset=us-ascii")
    assert in_both(asking, "us-ascii") == 400


FORMS = {
    "no boundary": ("x", "multipart/form-data"),
    "a boundary that is none": ("x", "multipart/form-data; boundary=a\x01b"),
    "no base64": (
        "--b\r\nContent-Disposition: form-data; name=credit\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--\r\n",
        MULTIPART,
    ),
    "headers without end": (f"--b\r\nContent-Disposition: form-data; name={'x' * 2000}\r\n\r\nx\r\n--b--", MULTIPART),
    "too many fields": ("&".join(f"a{n}=1" for n in range(1100)), FORM),
}


@pytest.mark.parametrize("what", FORMS)
def test_a_form_that_cannot_be_read_is_refused_in_persian(client, what):
    body, content_type = FORMS[what]
    assert (
        in_both(_asking(client, "PUT", "/customer/increasecredit/", body, content_type), f"None {content_type}") == 400
    )


# --- every status --------------------------------------------------------------------------------

REFUSED: dict[str, tuple[int, tuple, dict]] = {
    # what: (status, request, headers); by Ada, who is logged in
    "a foreign host": (400, ("GET", "/invoice/list"), {"HTTP_HOST": "evil.example"}),
    "no length": (400, ("PUT", "/customer/increasecredit/", "{}"), {"CONTENT_LENGTH": "x"}),
    "broken chunks": (
        400,
        ("PUT", "/customer/increasecredit/", "{}"),
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": None, "wsgi.input_terminated": True},
    ),
    "a key that is none": (400, ("POST", "/subscription/create/", "{}"), {"HTTP_IDEMPOTENCY_KEY": '"'}),
    "no such path": (404, ("GET", "/x"), {}),
    "no such subscription": (404, ("GET", "/subscription/1/"), {}),
    "none to switch": (404, ("PUT", "/subscription/editactivation/1/", '{"isactive": 1}'), {}),
    "a forged cursor": (404, ("GET", "/invoice/list?cursor=x"), {}),
    "a forged cursor of subscriptions": (404, ("GET", "/subscription/list?cursor=x"), {}),
    "a forged cursor of the statement": (404, ("GET", "/customer/statement?cursor=x"), {}),
    "a method": (405, ("DELETE", "/invoice/list"), {}),
    "what nobody can answer": (406, ("GET", "/customer/profile/"), {"HTTP_ACCEPT": "image/png"}),
    "a body too large": (413, ("PUT", "/customer/increasecredit/", "x" * (1024 * 1024 + 1)), {}),
    "a content type": (415, ("PUT", "/customer/increasecredit/", "{}", "text/plain"), {}),
    "an encoding": (415, ("PUT", "/customer/increasecredit/", "{}", f"{JSON}; charset=utf-7"), {}),
}


@pytest.mark.parametrize("debug", [False, True], ids=["debug off", "debug on"])
@pytest.mark.parametrize("what", REFUSED)
def test_every_status_is_said_in_persian(client, settings, what, debug):
    settings.DEBUG = debug
    status, request, extra = REFUSED[what]

    def ask(language):
        if "wsgi.input" in extra:
            extra["wsgi.input"] = _Broken()
        return send(client, *request, HTTP_ACCEPT_LANGUAGE=language, **extra)

    assert in_both(ask, " ".join([*request, *map(str, extra.values())])) == status


class _Broken(io.BytesIO):
    def read(self, *args):
        raise OSError("a chunk that is none")


@pytest.mark.django_db
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer a b", "Bearer x", "Basic eDp5", "x"])
def test_who_is_not_logged_in_is_told_in_persian(nobody, authorization):
    asking = _asking(nobody, "GET", "/invoice/list", HTTP_AUTHORIZATION=authorization)
    assert in_both(asking, authorization) == 401


TOKENS: dict[str, Callable[[Customer], str]] = {
    "expired": lambda ada: _token(AccessToken, ada, lifetime=-timedelta(minutes=1)),
    "of another kind": lambda ada: _token(RefreshToken, ada),
    "forged": lambda ada: _token(AccessToken, ada)[:-3] + "xxx",
    "without a customer": lambda ada: str(AccessToken()),
    "without an id": lambda ada: _token(AccessToken, ada, without="jti"),
    "without a kind": lambda ada: _token(AccessToken, ada, without="token_type"),
    "without an end": lambda ada: _token(AccessToken, ada, without="exp"),
    "of nobody": lambda ada: _token(AccessToken, ada, user_id="999999"),
    "of before the password": lambda ada: _token(AccessToken, ada, hash_password="x"),
}


def _token(kind, ada, *, lifetime=None, without=None, **claims):
    token = kind.for_user(ada)
    if lifetime is not None:
        token.set_exp(lifetime=lifetime)
    for name, value in claims.items():
        token[name] = value
    if without is not None:
        del token[without]
    return str(token)


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_is_refused_in_persian(ada, nobody, what):
    token = TOKENS[what](ada)
    extra = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert in_both(_asking(nobody, "GET", "/invoice/list", **extra), token) == 401


@pytest.mark.parametrize("what", TOKENS)
def test_a_refresh_is_refused_in_persian(ada, nobody, what, monkeypatch):
    monkeypatch.setitem(globals(), "AccessToken", RefreshToken if what != "of another kind" else AccessToken)
    token = TOKENS[what](ada) if what != "of another kind" else _token(AccessToken, ada)
    body = json.dumps({"refresh": token})
    assert in_both(_asking(nobody, "POST", "/customer/token/refresh/", body), token) == 401


def test_somebody_who_is_deactivated_is_told_in_persian(ada, client, nobody):
    refresh = json.dumps({"refresh": str(RefreshToken.for_user(ada))})
    Customer.objects.filter(pk=ada.pk).update(is_active=False)
    login = json.dumps({"username": "ada", "password": PASSWORD})
    assert in_both(_asking(client, "GET", "/invoice/list"), "") == 401
    assert in_both(_asking(nobody, "POST", "/customer/token/refresh/", refresh), "") == 401
    assert in_both(_asking(nobody, "POST", "/customer/login/", login), "") == 401


def test_who_may_not_top_up_is_told_in_persian(client, nobody, settings):
    settings.SELF_SERVICE_TOP_UP = False
    assert in_both(_asking(client, "PUT", "/customer/increasecredit/", '{"credit": 5}'), "") == 403
    body = json.dumps({"username": "grace", "password": PASSWORD, "credit": 5})
    assert in_both(_asking(nobody, "POST", "/customer/register/", body), "") == 400


def test_another_request_with_a_key_is_refused_in_persian(client):
    key = {"HTTP_IDEMPOTENCY_KEY": "one"}
    send(client, "PUT", "/customer/increasecredit/", '{"credit": 5}', **key)
    assert in_both(_asking(client, "PUT", "/customer/increasecredit/", '{"credit": 6}', **key), "") == 422


@pytest.mark.parametrize("failures", [throttling.PAIR.failures])
def test_who_fails_too_often_is_told_in_persian(nobody, ada, failures):
    body = json.dumps({"username": "ada", "password": "wrong"})
    for _ in range(failures):
        assert send(nobody, "POST", "/customer/login/", body).status_code == 401

    def ask(language):
        return send(nobody, "POST", "/customer/login/", body, HTTP_ACCEPT_LANGUAGE=language)

    assert in_both(ask, "") == 429


def test_who_asks_too_often_is_told_in_persian(nobody, limits_on, monkeypatch):
    monkeypatch.setattr(limits, "ADDRESS", limits.Limit("persian", 0, 60))
    assert in_both(_asking(nobody, "GET", "/invoice/statistics"), "") == 429


def test_an_account_that_is_set_aside_is_so_in_persian(client, ada):
    accounts.set_aside(customer_id=ada.pk, error="a job stands off its grid")
    assert in_both(_asking(client, "PUT", "/customer/increasecredit/", '{"credit": 5}'), "") == 503


def test_even_a_500_is_persian(client_of, make_customer):
    grace = make_customer("grace")
    client = client_of(grace)
    client.raise_request_exception = False
    Account.objects.filter(pk=grace.pk).delete()
    assert in_both(_asking(client, "GET", "/invoice/statistics"), "") == 500


def test_a_subscription_too_many_is_refused_in_persian(client, monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST_PER_CUSTOMER", 0)
    assert in_both(_asking(client, "POST", "/subscription/create/", '{"name": "VM", "price": 5}'), "") == 400


@pytest.mark.parametrize("handler", ["bad_request", "forbidden", "not_found", "server_error", "csrf_failure"])
def test_what_is_refused_outside_the_views_is_persian(handler):
    request = RequestFactory().get("/x")
    said = {}
    for language in ("en", "fa"):
        with translation.override(language):
            said[language] = json.loads(getattr(errors, handler)(request).content)["detail"]
    assert is_persian(said["fa"])
    assert not PERSIAN.search(said["en"])


# --- everything that could be said ---------------------------------------------------------------


@pytest.mark.parametrize("kind", errors.TABLE, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_is_persian(kind):
    request = RequestFactory().get("/x")
    with translation.override("fa"):
        answer = errors.handle(kind(), {"request": request, "view": None})
    (said,) = texts(answer.data)
    assert is_persian(said)


def _kinds(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(_kinds(exceptions.APIException)), key=str), ids=lambda kind: kind.__name__)
def test_every_error_of_the_frameworks_is_persian(kind):
    given = {"MethodNotAllowed": {"method": "PUT"}, "UnsupportedMediaType": {"media_type": "text/plain"}}
    with translation.override("fa"):
        error = kind(**given.get(kind.__name__, {}))
        detail = error.detail["detail"] if isinstance(error.detail, dict) else error.detail
        for said in texts(detail):
            assert is_persian(said, but="PUT text/plain")


def _modules() -> Iterator[ModuleType]:
    """All modules of ours that serializers could be in."""
    for app in catalogue.APPS:
        for found in pkgutil.iter_modules([str(catalogue.ROOT / app)], f"{app}."):
            if not found.ispkg and found.name.rpartition(".")[2] in ("serializers", "answers", "filters", "queries"):
                yield importlib.import_module(found.name)


def _serializers() -> list[type[serializers.BaseSerializer]]:
    list(_modules())
    ours = [kind for kind in _kinds(serializers.BaseSerializer) if kind.__module__.split(".")[0] in catalogue.APPS]
    return sorted(set(ours), key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize("kind", _serializers(), ids=lambda kind: kind.__name__)
def test_every_message_of_every_field_is_persian(kind):
    for english, persian in zip(_messages(kind, "en"), _messages(kind, "fa"), strict=True):
        assert not PERSIAN.search(english)
        assert is_persian(re.sub(r"\{.*?\}|%\(\w+\)\w", "", persian)), english  # names of placeholders are no words


def _messages(kind: type[serializers.BaseSerializer], language: str) -> list[str]:
    """What a serializer and its fields can say; a new one, since DRF says some of it once and for all."""
    serializer, found = kind(), []
    with translation.override(language):
        for field in [serializer, *getattr(serializer, "fields", {}).values()]:
            validators = [each.message for each in field.validators if hasattr(each, "message")]
            found += map(str, [*field.error_messages.values(), *validators])
    return found


def _validators() -> list:
    return password_validation.get_default_password_validators()


@pytest.mark.parametrize("password", ["ada-lovelace", "short", "password", "1234567", "1", "adalovelace@example.org"])
def test_a_weak_password_is_refused_in_persian(password):
    user = Customer(username="ada-lovelace", first_name="grace", last_name="hopper", email="adalovelace@example.org")
    with translation.override("fa"):
        with pytest.raises(ValidationError) as refused:
            password_validation.validate_password(password, user=user)
        assert all(is_persian(message) for message in refused.value.messages), refused.value.messages


def test_every_rule_for_passwords_is_explained_in_persian():
    with translation.override("fa"):
        for validator in _validators():
            assert is_persian(validator.get_help_text())


# --- which language ------------------------------------------------------------------------------

ASKED = {
    # Accept-Language: the language of the answer
    "fa": "fa",
    "FA": "fa",
    "fa-IR": "fa",
    "fa-AF": "fa",
    "fa;q=0.1": "fa",
    "fa-IR,fa;q=0.9,en-US;q=0.8,en;q=0.7": "fa",
    "de, fa;q=0.5": "fa",
    "fa;q=0.8, en;q=0.2, de": "fa",
    "en": "en",
    "en-GB, fa;q=0.9": "en",
    "fa;q=0.4, en;q=0.5": "en",
    "de": "en",
    "*": "en",
    "": "en",
    "x" * 5000: "en",
    "fa;q=x": "en",
    "../fa": "en",
    "\x00": "en",
}


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked[:24])
def test_the_language_is_the_one_that_is_preferred_or_english(nobody, asked):
    answer = send(nobody, "GET", "/no/such/path", HTTP_ACCEPT_LANGUAGE=asked)
    assert answer["Content-Language"] == ASKED[asked]
    assert answer.json() == {"detail": {"en": "Not found.", "fa": "پیدا نشد."}[ASKED[asked]]}


def test_who_says_nothing_is_answered_in_english(nobody):
    answer = send(nobody, "GET", "/no/such/path")
    assert (answer["Content-Language"], answer.content) == ("en", b'{"detail":"Not found."}')


def test_what_is_chosen_in_the_admin_is_for_the_admin(nobody, settings):
    for chosen, asked in (("fa", "en"), ("en", "fa")):
        nobody.cookies[settings.LANGUAGE_COOKIE_NAME] = chosen
        assert send(nobody, "GET", "/no/such/path", HTTP_ACCEPT_LANGUAGE=asked)["Content-Language"] == asked


@pytest.mark.django_db
def test_a_registration_is_confirmed_in_persian(nobody):
    body = {"username": "grace", "password": PASSWORD}
    answer = nobody.post("/customer/register/", body, format="json", HTTP_ACCEPT_LANGUAGE="fa")
    assert answer.json()["message"] == "ثبت‌نام مشتری انجام شد."
    assert list(answer.json()["customer"]) == ["id", "username", "first_name", "last_name", "credit"]


@pytest.mark.parametrize("language", ["en", "fa"])
def test_what_is_anothers_is_answered_as_what_there_is_not(client, make_customer, language):
    grace = make_customer("grace", credit=100)
    hers = subscriptions.create(customer=grace, name="VM", price=5, isactive=True, by=grace)
    for method, path, body in (
        ("PUT", "/subscription/editactivation/{}/", '{"isactive": 0}'),
        ("GET", "/subscription/{}/", ""),
    ):
        answers = [
            send(client, method, path.format(number), body, HTTP_ACCEPT_LANGUAGE=language)
            for number in (hers.pk, hers.pk + 1, 10**30)
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert answers[0]["Content-Language"] == language


def test_a_replay_is_the_first_answer_whatever_the_language(client):
    key = {"HTTP_IDEMPOTENCY_KEY": "one"}
    first, again = (
        send(client, "POST", "/subscription/create/", '{"name": "ماشین", "price": 5}', HTTP_ACCEPT_LANGUAGE=each, **key)
        for each in ("fa", "en")
    )
    assert again["Idempotency-Replayed"] == "true"
    assert again.content == first.content


def test_what_is_not_said_to_people_is_the_same_in_every_language(client, ada):
    subscriptions.create(customer=ada, name="VM", price=5000, isactive=True, by=ada)
    for path in ("/subscription/list", "/invoice/statistics", "/customer/profile/", "/customer/statement"):
        answers = [send(client, "GET", path, HTTP_ACCEPT_LANGUAGE=language) for language in ("en", "fa")]
        assert answers[0].content == answers[1].content


@pytest.mark.django_db
def test_the_schema_is_the_same_in_every_language(nobody):
    answers = [send(nobody, "GET", "/api/schema/", HTTP_ACCEPT_LANGUAGE=language) for language in ("en", "fa")]
    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content


@pytest.mark.django_db
def test_the_schema_is_english_though_a_persian_is_the_first_to_ask(nobody):
    documents._written.cache_clear()
    try:
        answer = send(nobody, "GET", "/api/schema/", HTTP_ACCEPT_LANGUAGE="fa")
        assert not PERSIAN.search(answer.content.decode())
    finally:
        documents._written.cache_clear()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.django_db
def test_what_is_for_machines_is_english(nobody, path, settings):
    settings.METRICS_TOKEN = "wanted"
    answer = send(nobody, "GET", path, HTTP_ACCEPT_LANGUAGE="fa")
    assert not PERSIAN.search(answer.content.decode())
    assert "Content-Language" not in answer


def test_static_files_are_the_same_in_every_language():
    answer = Language(lambda request: HttpResponse())(RequestFactory().get("/static/x.css", HTTP_ACCEPT_LANGUAGE="fa"))
    assert not {"Vary", "Content-Language"} & set(answer.headers)


@pytest.mark.parametrize("secure", [True, False])
def test_a_refusal_that_comes_before_all_else_is_persian(nobody, secure):
    """Django itself looks at the host where it leads to https."""
    with override_settings(SECURE_SSL_REDIRECT=secure):
        answer = send(nobody, "GET", "/invoice/list", HTTP_HOST="evil.example", HTTP_ACCEPT_LANGUAGE="fa")
    assert answer.status_code == 400
    assert is_persian(answer.json()["detail"])


def test_a_request_leaves_no_language_behind(nobody):
    send(nobody, "GET", "/no/such/path", HTTP_ACCEPT_LANGUAGE="fa")
    assert str(DepositLimit()).startswith("This would take")


@pytest.mark.skipif(sys.platform == "win32", reason="wants gunicorn")
def test_a_server_answers_each_in_their_language():
    """In a process of its own, whose threads serve both."""
    with servers.database() as database, servers.Server("gunicorn", DATABASE_URL=database) as server:
        for language, said in [
            ("fa", "پیدا نشد."),
            ("en", "Not found."),
            ("fa-IR", "پیدا نشد."),
            ("", "Not found."),
        ] * 3:
            asked = Request(f"{server.url}/no/such/path", headers={"Accept-Language": language})
            with pytest.raises(HTTPError) as refused:
                build_opener(ProxyHandler({})).open(asked, timeout=servers.PATIENCE)
            with refused.value as answer:
                assert json.load(answer) == {"detail": said}
        server.kill()
        assert not PERSIAN.search(server.output)


def test_the_log_is_english_whoever_is_answered(lines):
    with translation.override("fa"):
        error = DepositLimit()
        assert is_persian(str(error))
        logging.getLogger("somebody").error("failed: %s", error)
        try:
            raise error
        except DepositLimit:
            logging.getLogger("somebody").exception("failed")
        assert translation.get_language() == "fa"
    assert len(lines()) == 2
    assert not PERSIAN.search(json.dumps(lines(), ensure_ascii=False))
