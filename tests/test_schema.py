"""The API's documents: what they say about each operation, and that they come from this host alone."""

import re

import pytest
from django.contrib.staticfiles import finders
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

MOST = 2**63 - 1

# operation: (logged in, request, status, answer, errors)
OPERATIONS = {
    "POST /customer/register/": (False, "Registration", "201", "Registered", "400 429"),
    "POST /customer/login/": (False, "Login", "200", "Tokens", "400 401 429"),
    "POST /customer/token/refresh/": (False, "Refresh", "200", "Access", "400 401 429"),
    "PUT /customer/increasecredit/": (True, "TopUp", "200", "Credit", "400 401 403 409 422 429 503"),
    "POST /subscription/create/": (True, "Creation", "201", "Subscription", "400 401 409 422 429 503"),
    "PUT /subscription/editactivation/{subid}/": (True, "Activation", "200", "Subscription", "400 401 404 429 503"),
    "GET /subscription/list": (True, None, "200", "PaginatedSubscriptionList", "400 401 404 429"),
    "GET /invoice/list": (True, None, "200", "PaginatedInvoiceList", "400 401 404 429"),
    "GET /customer/profile/": (True, None, "200", "Profile", "401 429"),
    "PUT /customer/password/": (True, "PasswordChange", "200", "Tokens", "400 401 429"),
    "GET /customer/statement": (True, None, "200", "Statement", "400 401 404 429"),
    "GET /subscription/{subid}/": (True, None, "200", "Reasons", "401 404 429"),
    "GET /invoice/forecast": (True, None, "200", "Forecast", "400 401 429 503"),
    "GET /invoice/statistics": (True, None, "200", "Statistics", "401 429"),
}

# component: its fields, of which those with ? may be left out
COMPONENTS = {
    "Registration": "username password first_name? last_name? credit?",
    "Registered": "customer message",
    "Customer": "id username first_name last_name credit",
    "Login": "username password",
    "Tokens": "access refresh",
    "Refresh": "refresh",
    "Access": "access",
    "TopUp": "credit",
    "Credit": "credit",
    "Creation": "name price isactive?",
    "Activation": "isactive",
    "Subscription": "id name price period isactive created_at next_invoice_at paused_because",
    "PaginatedSubscriptionList": "subscriptions next previous",
    "Invoice": "id customer subscription amount start_time end_time",
    "PaginatedInvoiceList": "invoices next previous",
    "Profile": "id username first_name last_name credit joined",
    "PasswordChange": "old_password new_password",
    "Reasons": "id name price period isactive created_at next_invoice_at paused_because paused_since credit_missing"
    " number_of_invoices total_cost_amount pauses",
    "Pause": "paused_at paused_because paused_on withheld_from resumed_at resumed_on restored_from",
    "Statement": "credit entries next previous",
    "Line": "kind id at amount balance subscription end_time",
    "Forecast": "at until credit number_of_invoices total_cost_amount credit_left runs_out_at pauses resumes"
    " subscriptions invoices without_top_up",
    "Course": "credit number_of_invoices total_cost_amount credit_left runs_out_at pauses",
    "Statistics": "number_of_invoices total_cost_amount",
}

# where money stands, and the least that it can be
MONEY = {
    "Registration.credit": 0,
    "Customer.credit": 0,
    "TopUp.credit": 1,
    "Credit.credit": 0,
    "Creation.price": 1,
    "Subscription.price": 0,
    "Invoice.amount": 0,
    "Statistics.total_cost_amount": 0,
}


@pytest.fixture(scope="module")
def schema():
    GENERATOR_STATS.reset()
    generated = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, GENERATOR_STATS.emit_summary()
    return generated


def component(schema, name):
    return schema["components"]["schemas"][name]


def reference(content):
    return content["schema"]["$ref"].rpartition("/")[2]


def operation(schema, line):
    method, path = line.split()
    return schema["paths"][path][method.lower()]


def test_the_schema_is_valid_and_made_without_a_warning(schema):
    validate_schema(schema)


def test_it_has_these_operations_and_no_other(schema):
    found = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_says_who_may_use_it(schema, line):
    security = operation(schema, line).get("security", [])
    assert security == ([{"jwtAuth": []}] if OPERATIONS[line][0] else [])
    assert schema["components"]["securitySchemes"]["jwtAuth"]["scheme"] == "bearer"


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_says_what_it_takes(schema, line):
    body = operation(schema, line).get("requestBody")
    if OPERATIONS[line][1] is None:
        assert body is None
        return
    assert set(body["content"]) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    assert {reference(content) for content in body["content"].values()} == {OPERATIONS[line][1]}


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_says_what_it_answers(schema, line):
    _, _, status, answer, errors = OPERATIONS[line]
    responses = operation(schema, line)["responses"]
    assert set(responses) == {status, *errors.split()}
    assert reference(responses[status]["content"]["application/json"]) == answer
    for error in errors.split():
        assert responses[error]["description"]
        assert "detail" in responses[error]["content"]["application/json"]["schema"]["properties"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_body_has_just_these_fields(schema, name):
    fields = COMPONENTS[name].split()
    described = component(schema, name)
    assert set(described["properties"]) == {field.rstrip("?") for field in fields}
    assert set(described["required"]) == {field for field in fields if not field.endswith("?")}


@pytest.mark.parametrize("place", MONEY)
def test_money_is_a_64_bit_integer_with_its_least(schema, place):
    name, field = place.split(".")
    described = component(schema, name)["properties"][field]
    bounds = {"type": "integer", "format": "int64", "minimum": MONEY[place], "maximum": MOST}
    assert {key: described[key] for key in bounds} == bounds


@pytest.mark.parametrize(("path", "rows"), [("/subscription/list", "Subscription"), ("/invoice/list", "Invoice")])
def test_a_list_comes_in_pages(schema, path, rows):
    page = component(schema, f"Paginated{rows}List")["properties"]
    assert reference({"schema": page[f"{rows.lower()}s"]["items"]}) == rows
    for link in ("next", "previous"):
        assert page[link] == {"type": "string", "format": "uri", "nullable": True}
    parameters = {one["name"]: one["schema"] for one in operation(schema, f"GET {path}")["parameters"]}
    assert parameters == {"cursor": {"type": "string"}, "page_size": {"type": "integer", "minimum": 1, "default": 100}}


def test_a_paused_job_has_no_next_invoice(schema):
    fields = component(schema, "Subscription")["properties"]
    assert fields["next_invoice_at"]["nullable"]
    assert fields["paused_because"]["nullable"]
    assert component(schema, "PausedBecauseEnum")["enum"] == ["deactivated", "insufficient_credit"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/yaml"])
@pytest.mark.parametrize("path", ["/api/schema/", "/api/schema"])
def test_the_schema_is_served(client, path, accept):
    response = client.get(path, HTTP_ACCEPT=accept)
    assert response.status_code == 200
    assert b"/subscription/editactivation/{subid}/" in response.content


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/", "/api/docs", "/api/redoc"])
def test_the_documents_refer_to_no_other_host(client, path):
    response = client.get(path)
    page = response.content.decode() + client.get(f"{path}?script=").content.decode()
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "/api/schema/" in page
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page) == []


def test_swagger_ui_sends_the_schema_to_no_validator(client):
    assert '"validatorUrl": null' in client.get("/api/docs/?script=").content.decode()


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_scripts_of_the_documents_are_here(client, path):
    page = client.get(path).content.decode()
    files = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert files
    assert all(finders.find(file) for file in files)
