"""Whatever is sent, the answer is a 4xx in the API's own form: JSON, no HTML, no traceback, no 500."""

import asyncio
import io
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.signals import got_request_exception, request_finished
from django.test import RequestFactory
from rest_framework.test import APIClient

from customer import accounts
from customer.models import Account
from subscription import subscriptions
from subscription_task import serving
from subscription_task.http import csv_files
from tests import servers

MIB = 1024 * 1024
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"

BODIES = {  # the endpoints that take a body: method and path
    "register": ("POST", "/customer/register/"),
    "login": ("POST", "/customer/login/"),
    "refresh": ("POST", "/customer/token/refresh/"),
    "increasecredit": ("PUT", "/customer/increasecredit/"),
    "create": ("POST", "/subscription/create/"),
    "editactivation": ("PUT", "/subscription/editactivation/1/"),
}


@pytest.fixture(params=[False, True], ids=["debug off", "debug on"])
def debug(request, settings):
    settings.DEBUG = request.param


@pytest.fixture
def ada(make_customer):
    return make_customer("ada")


@pytest.fixture
def client(ada, client_of) -> APIClient:
    client = client_of(ada)
    client.raise_request_exception = False
    return client


def send(client, endpoint, body, content_type=JSON, **extra):
    method, path = BODIES[endpoint]
    return client.generic(method, path, body, content_type=content_type, **extra)


def refused(response, status, *fields):
    """Whether the answer is the API's own form of an error, about `fields`."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == JSON
    answer = response.json()
    if list(answer) == ["detail"]:
        assert isinstance(answer["detail"], str)
        assert not fields
    else:
        for messages in answer.values():
            assert messages
            assert all(isinstance(message, str) for message in messages)
    assert not fields or set(answer) == set(fields)
    for leak in (b"Traceback", b"<html", b"site-packages", b"SELECT", b"Exception"):
        assert leak not in response.content
    return True


def part(name, value, filename=None):
    named = f'name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return f"--b\r\nContent-Disposition: form-data; {named}\r\n\r\n{value}\r\n"


UNREADABLE = {
    "nothing but a brace": ("{", JSON),
    "half a string": ('{"credit": "', JSON),
    "two documents": ("{}{}", JSON),
    "invalid UTF-8": (b'{"credit": "\xff\xfe"}', JSON),
    "a lone byte order mark": (b"\xef\xbb\xbf{}", JSON),
    "NaN": ('{"credit": NaN}', JSON),
    "infinity": ('{"credit": -Infinity}', JSON),
    "lists 100,000 deep": ("[" * 100_000, JSON),
    "objects 100,000 deep": ('{"a":' * 100_000, JSON),
    "closed lists 100,000 deep": ("[" * 100_000 + "]" * 100_000, JSON),
    "a field 900 deep": ('{"username": ' + "[" * 900 + "]" * 900 + "}", JSON),
    "an unknown field 500 deep": ('{"x": ' + '{"a":' * 500 + "1" + "}" * 500 + "}", JSON),
    "NUL bytes": ("\x00\x00", JSON),
    "a million spaces": (" " * 1_000_000, JSON),
    "many thousand brackets": ("[" + "[]," * 30_000, JSON),
    "thousands of form fields": ("&".join(f"a{n}=1" for n in range(2000)), FORM),
    "thousands of parts": ("".join(part(f"a{n}", 1) for n in range(1500)) + "--b--\r\n", MULTIPART),
    "hundreds of files": ("".join(part(f"a{n}", 1, "f") for n in range(150)) + "--b--\r\n", MULTIPART),
    "no boundary": (part("a", 1), "multipart/form-data"),
    "a foreign boundary": (part("a", 1), "multipart/form-data; boundary=\xe9"),
    "endless headers of a part": ("--b\r\n" + "X: y\r\n" * 50_000 + "\r\n", MULTIPART),
}


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.parametrize("what", UNREADABLE)
def test_an_unreadable_body_is_400(client, endpoint, what):
    body, content_type = UNREADABLE[what]
    assert refused(send(client, endpoint, body, content_type), 400)


@pytest.mark.parametrize(("depth", "status"), [(1, 200), (31, 200), (32, 400), (500, 400)])
def test_even_what_is_ignored_is_nested_at_most_32_deep(client, depth, status):
    body = f'{{"credit": 1, "x": {"[" * depth}{"]" * depth}}}'  # the object is a level too
    assert send(client, "increasecredit", body).status_code == status


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.parametrize("body", ["[]", "[{}]", '"text"', "null", "5", "1.5", "true", "[" * 30 + "]" * 30, "9" * 5000])
def test_a_body_that_is_no_object_is_400(client, endpoint, body):
    assert refused(send(client, endpoint, body), 400, "non_field_errors")


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", JSON),
        ("", FORM),
        ("", ""),
        ("&&==&=;", FORM),
        ("%ff=%fe&\xff", FORM),
        ("--b--\r\n", MULTIPART),
        ("--b\r\ngarbage", MULTIPART),
        (part("username", "x")[:40], MULTIPART),
        ('{"\\ud800": "\\udfff", "\\u0000": 1}', JSON),
    ],
)
def test_a_body_without_the_fields_is_400(client, endpoint, body, content_type):
    response = send(client, endpoint, body, content_type)
    assert refused(response, 400, *response.json())


TEXT_FIELDS = {
    "register": ("username", "password", "first_name", "last_name"),
    "login": ("username", "password"),
    "refresh": ("refresh",),
    "create": ("name",),
}
VALID = {
    "register": {"username": "grace", "password": "correct horse"},
    "login": {"username": "ada", "password": "correct horse"},
    "refresh": {"refresh": "x"},
    "create": {"name": "VM", "price": 5},
}
NO_TEXT = [
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    "null",
    "true",
    "[]",
    "{}",
    '["a"]',
    '{"a": "b"}',
    "[[[[]]]]",
]


@pytest.mark.parametrize(
    ("endpoint", "field"), [(name, field) for name, fields in TEXT_FIELDS.items() for field in fields]
)
@pytest.mark.parametrize("literal", NO_TEXT)
def test_a_text_field_takes_text_alone(client, endpoint, field, literal):
    others = {name: value for name, value in VALID[endpoint].items() if name != field}
    body = json.dumps(others)[:-1] + (", " if others else "") + f'"{field}": {literal}}}'
    assert refused(send(client, endpoint, body), 400, field)


@pytest.mark.parametrize(
    ("endpoint", "field"), [(name, field) for name, fields in TEXT_FIELDS.items() for field in fields]
)
def test_a_file_is_no_text(client, endpoint, field):
    others = {name: value for name, value in VALID[endpoint].items() if name != field}
    body = "".join(part(name, value) for name, value in others.items()) + part(field, "x", "x.txt") + "--b--\r\n"
    assert refused(send(client, endpoint, body, MULTIPART), 400, field)


def test_of_duplicate_keys_the_last_counts(client, ada):
    assert send(client, "increasecredit", '{"credit": 1, "credit": 2}').json() == {"credit": 2}
    assert send(client, "increasecredit", "credit=1&credit=2", FORM).json() == {"credit": 4}


TYPES = ["text/plain", "application/xml", "application/jsonx", "x", "", "application/json, text/plain"]
TYPES += ["multipart/form-data; boundary=" + "b" * 5000]


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.parametrize("content_type", TYPES)
def test_another_content_type_is_415(client, endpoint, content_type):
    assert refused(send(client, endpoint, "{}", content_type), 415)


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "utf-7", "unicode_escape", "utf-16", "bz2", "rot13", "undefined"]
)
@pytest.mark.parametrize("content_type", [JSON, FORM, "multipart/form-data; boundary=b", "text/plain"])
def test_an_encoding_that_only_python_knows_is_415(client, charset, content_type):
    body = b'{"username": "ada", "password": "x"}-' + b"9" * 100_000
    assert refused(send(client, "login", body, f"{content_type}; charset={charset}"), 415)


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "iso-8859-1", "", "no-such-encoding"])
def test_usual_encodings_are_read(client, charset):
    assert send(client, "increasecredit", '{"credit": 5}', f"{JSON}; charset={charset}").status_code == 200


TOO_LARGE = {
    "json": ('{"credit": 1}' + " " * MIB, JSON),
    "form": ("credit=1&x=" + "x" * MIB, FORM),
    "field": (part("credit", 1) + part("x", "x" * MIB) + "--b--\r\n", MULTIPART),
    "file": (part("credit", 1) + part("x", "x" * MIB, "f") + "--b--\r\n", MULTIPART),
    "type": ("x" * (MIB + 1), "text/plain"),
}


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("endpoint", ["login", "increasecredit"])
@pytest.mark.parametrize("kind", TOO_LARGE)
@pytest.mark.parametrize("length", ["announced", "with zeros before it", "in chunks"])
def test_a_body_over_1_mib_is_413(client, endpoint, kind, length):
    body, content_type = TOO_LARGE[kind]
    extra = {}
    if length == "with zeros before it":
        extra = {"CONTENT_LENGTH": "0" * 30 + str(len(body))}
    elif length == "in chunks":
        extra = in_chunks(body)
    assert refused(send(client, endpoint, body, content_type, **extra), 413)


def in_chunks(body):
    """What gunicorn puts into the environment of a request with `Transfer-Encoding: chunked`."""
    stream = io.BytesIO(body.encode())
    return {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
    }


@pytest.mark.parametrize("announced", ["9" * 20, "9" * 5000])
def test_a_body_that_is_announced_too_large_is_not_waited_for(client, announced):
    assert refused(send(client, "increasecredit", "{}", CONTENT_LENGTH=announced), 413)


@pytest.mark.parametrize("announced", ["x", "-1", "+1", "1e9", "1,1", "۵"])
def test_a_length_that_is_none_is_400(client, announced):
    assert refused(send(client, "increasecredit", '{"credit": 1}', CONTENT_LENGTH=announced), 400)


def test_a_body_of_1_mib_is_read(client):
    body = '{"credit": 7' + " " * (MIB - 13) + "}"
    assert len(body) == MIB
    assert send(client, "increasecredit", body).json() == {"credit": 7}


@pytest.mark.parametrize(("body", "content_type"), [('{"credit": 7}', JSON), ("credit=7", FORM)])
def test_a_body_in_chunks_is_read(client, body, content_type):
    assert send(client, "increasecredit", body, content_type, **in_chunks(body)).json() == {"credit": 7}


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "x", "application/json;q=0"])
@pytest.mark.parametrize("path", ["/invoice/list", "/customer/profile/"])
def test_what_cannot_be_answered_is_406_in_json(client, path, accept):
    assert refused(client.get(path, HTTP_ACCEPT=accept), 406)


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("host", ["evil.example", "a b", "testserver:x", "[", "\x00"])
@pytest.mark.parametrize("path", ["/invoice/list", "/x", "/api/docs/"])
def test_a_foreign_host_is_400_in_json(client, path, host):
    assert refused(client.get(path, HTTP_HOST=host), 400)


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize(("method", "path"), [("GET", "/invoice/statistics"), ("PUT", "/customer/increasecredit/")])
def test_even_a_500_says_nothing_of_the_inside(client, ada, method, path):
    Account.objects.filter(pk=ada.pk).delete()
    response = client.generic(method, path, '{"credit": 5}', content_type=JSON)
    assert refused(response, 500)
    assert response.json() == {"detail": "A server error occurred."}


def test_who_listens_for_exceptions_hears_of_a_500(client, ada):
    """As those do who collect errors."""
    heard = []

    def hear(request, **_):
        heard.append(request.path)

    Account.objects.filter(pk=ada.pk).delete()
    got_request_exception.connect(hear)
    try:
        assert client.get("/invoice/statistics").status_code == 500
    finally:
        got_request_exception.disconnect(hear)
    assert heard == ["/invoice/statistics"]


@pytest.mark.usefixtures("debug")
def test_an_account_that_is_set_aside_can_be_read_and_not_changed(client, ada):
    subscription = subscriptions.create(customer=ada, name="VM", price=5, isactive=True, by=ada)
    accounts.set_aside(customer_id=ada.pk, error="a job stands off its grid: secret")
    own = f"/subscription/editactivation/{subscription.pk}/"
    for method, path, body in (
        ("PUT", "/customer/increasecredit/", {"credit": 5}),
        ("POST", "/subscription/create/", {"name": "VM", "price": 5}),
        ("PUT", own, {"isactive": 0}),
    ):
        response = client.generic(method, path, json.dumps(body), content_type=JSON)
        assert refused(response, 503)
        assert response.json() == {"detail": "This account is being repaired. Please try again later."}
    for path in ("/subscription/list", "/invoice/list", "/invoice/statistics"):
        assert client.get(path).status_code == 200


def served(method, path, body=b"", **headers):
    """The servers' own way in: Django's test client would not come as far. The status, the headers and the body."""
    environ = RequestFactory().generic(method, path, body).environ
    environ |= {"wsgi.input": io.BytesIO(body)} | headers
    said = []
    answer = serving.development()(environ, lambda status, headers: said.append((status, dict(headers))))
    return *said[0], b"".join(answer)


@pytest.mark.parametrize("kind", ["application/json; x*=foo''bar", "application/json; charset*=foo''x"])
@pytest.mark.django_db(transaction=True)
def test_a_content_type_that_cannot_be_read_is_415(kind, client_of, make_customer):
    token = client_of(make_customer())._credentials["HTTP_AUTHORIZATION"]
    sent = {"CONTENT_TYPE": kind, "HTTP_AUTHORIZATION": token}
    status, headers, body = served("PUT", "/customer/increasecredit/", b"{}", **sent)
    assert (status, headers["Content-Type"]) == ("415 Unsupported Media Type", "application/json")
    assert b"detail" in body


@pytest.mark.parametrize("accept", ["text/csv; a*=foo'en'%41", "text/csv;version*=idna''%ff%fe"])
@pytest.mark.parametrize(
    "path", ["/", "/invoice/list", "/api/schema/", "/api/docs/", "/api/redoc/", "/admin/language/"]
)
@pytest.mark.django_db(transaction=True)
def test_an_accept_that_cannot_be_read_accepts_nothing(accept, path, client_of, make_customer):
    token = client_of(make_customer())._credentials["HTTP_AUTHORIZATION"]
    status, headers, body = served("GET", path, HTTP_ACCEPT=accept, HTTP_AUTHORIZATION=token)
    assert int(status[:3]) in (200, 302, 204, 406), body
    if status.startswith("406"):
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body) == {"detail": "Could not satisfy the request Accept header."}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [("content-type", "application/json; x*=foo''bar", 200), ("accept", "text/csv; a*=foo'en'%41", 406)],
)
def test_asgi_too_answers_what_cannot_be_read(header, value, status):
    headers = [(b"host", b"testserver"), (header.encode(), value.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}

    async def ask():
        server = ApplicationCommunicator(serving.asgi(), scope)
        await server.send_input({"type": "http.request"})
        said = [await server.receive_output(timeout=servers.PATIENCE)]
        while said[-1].get("more_body", True):
            said.append(await server.receive_output(timeout=servers.PATIENCE))
        await server.wait(timeout=servers.PATIENCE)
        return said

    assert asyncio.run(ask())[0]["status"] == status


@pytest.mark.parametrize("path", ["/invoice/list", "/invoice/list?format=csv", "/", "/nowhere", "/api/schema/"])
@pytest.mark.django_db(transaction=True)
def test_head_is_answered_as_get_without_the_body(path, client_of, make_customer):
    token = client_of(make_customer())._credentials["HTTP_AUTHORIZATION"]
    head, get = (served(method, path, HTTP_AUTHORIZATION=token) for method in ("HEAD", "GET"))
    own = ("X-Request-ID",)
    assert head[0] == get[0]
    assert [{name: value for name, value in one[1].items() if name not in own} for one in (head, get)][0] == {
        name: value for name, value in get[1].items() if name not in own
    }
    assert (head[2], get[2] != b"") == (b"", True)


@pytest.mark.django_db(transaction=True)
def test_head_makes_no_file(client_of, make_customer, monkeypatch):
    made = []
    monkeypatch.setattr(csv_files, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(csv_files.heartbeat, "beat", lambda: made.append(1))
    ada = make_customer()
    for number in range(9):
        subscriptions.create(customer=ada, name=f"vm {number}", price=5, isactive=False, by=ada)
    token = client_of(ada)._credentials["HTTP_AUTHORIZATION"]
    status, _, body = served("HEAD", "/subscription/list?format=csv", HTTP_AUTHORIZATION=token)
    assert (status, body, len(made)) == ("200 OK", b"", 2)
    assert served("GET", "/subscription/list?format=csv", HTTP_AUTHORIZATION=token)[2].count(b"\n") == 10
    assert len(made) == 2 + 11


@pytest.mark.django_db(transaction=True)
def test_a_request_ends_when_head_is_answered():
    """Then connections to the database are looked after, and the language is forgotten."""
    ended = []

    def end(**_):
        ended.append(1)

    request_finished.connect(end)
    try:
        assert served("HEAD", "/nowhere")[0] == "404 Not Found"
    finally:
        request_finished.disconnect(end)
    assert ended == [1]


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/docs"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_the_documents_do_not_do_is_405_in_json(method, path, client):
    if (method, path) == ("OPTIONS", "/api/schema/"):
        assert client.generic(method, path).status_code == 200
        return
    answer = client.generic(method, path)
    assert refused(answer, 405)
    assert answer.json() == {"detail": f'Method "{method}" not allowed.'}
