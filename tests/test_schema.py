"""The API's documents: what they say about each operation, and that they come from this host alone."""

import io
import json
import re

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from tests import servers

COMMITTED = servers.ROOT / "clients" / "openapi.yaml"
MOST = 2**63 - 1

# operation: (its id, whether it wants a login, its request, the status of a success and its answer, the statuses that
# it refuses with beside those that all do)
OPERATIONS = {
    "POST /customer/register/": ("registerCustomer", False, "Registration", "201", "Registered", "400"),
    "POST /customer/login/": ("logIn", False, "Login", "200", "Tokens", "400 401"),
    "POST /customer/token/refresh/": ("refreshToken", False, "Refresh", "200", "Access", "400 401"),
    "PUT /customer/increasecredit/": ("increaseCredit", True, "TopUp", "200", "Credit", "400 403 409 422 503"),
    "POST /subscription/create/": ("createSubscription", True, "Creation", "201", "Subscription", "400 409 422 503"),
    "PUT /subscription/editactivation/{subid}/": (
        *("editActivation", True, "Activation", "200", "Subscription"),
        "400 404 503",
    ),
    "GET /subscription/list": ("listSubscriptions", True, None, "200", "PaginatedSubscriptionList", "400 404"),
    "GET /invoice/list": ("listInvoices", True, None, "200", "PaginatedInvoiceList", "400 404"),
    "GET /customer/profile/": ("getProfile", True, None, "200", "Profile", ""),
    "PUT /customer/password/": ("changePassword", True, "PasswordChange", "200", "Tokens", "400"),
    "GET /customer/statement": ("getStatement", True, None, "200", "Statement", "400 404"),
    "GET /subscription/{subid}/": ("getSubscription", True, None, "200", "Reasons", "404"),
    "GET /invoice/forecast": ("getForecast", True, None, "200", "Forecast", "400 503"),
    "GET /invoice/statistics": ("getStatistics", True, None, "200", "Statistics", "400"),
    "GET /subscription/list.csv": ("exportSubscriptions", True, None, "200", "", "400"),
    "GET /invoice/list.csv": ("exportInvoices", True, None, "200", "", "400"),
    "GET /customer/statement.csv": ("exportStatement", True, None, "200", "", ""),
    "GET /invoice/statistics.csv": ("exportStatistics", True, None, "200", "", "400"),
}
CSV = ("text/csv", {"type": "string"})
HEADERS = {"401": "WWW-Authenticate", "429": "Retry-After"}

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
    "Statistics": "number_of_invoices total_cost_amount series?",
    "Span": "start end number_of_invoices total_cost_amount",
    "Share": "subscription name number_of_invoices total_cost_amount",
}

# where money stands, and the least that it can be
MONEY = {
    "Customer.credit": 0,
    "Credit.credit": 0,
    "Subscription.price": 0,
    "Invoice.amount": 0,
    "Statistics.total_cost_amount": 0,
}


@pytest.fixture(scope="module")
def schema():
    """The schema as those read it who are sent it."""
    return yaml.safe_load(COMMITTED.read_bytes())


def component(schema, name):
    return schema["components"]["schemas"][name]


def reference(content):
    return content["schema"]["$ref"].rpartition("/")[2]


def resolved(schema, said):
    """What a reference to a component stands for."""
    while "$ref" in said:
        *_, kind, name = said["$ref"].split("/")
        said = schema["components"][kind][name]
    return said


def operation(schema, line):
    method, path = line.split()
    return schema["paths"][path][method.lower()]


def responses(schema, line):
    return {status: resolved(schema, each) for status, each in operation(schema, line)["responses"].items()}


def examples(content):
    return [each["value"] for each in content.get("examples", {}).values()]


def validator(schema, described):
    """What checks values by a part of the schema."""
    return Draft202012Validator(described | {"components": schema["components"]})


def test_the_committed_schema_is_the_one_that_is_served(client):
    written = io.StringIO()
    call_command("spectacular", stdout=written)
    assert COMMITTED.read_text("utf-8") == written.getvalue(), (
        "what the service does has changed: run `make documents` and look at the diff"
    )
    answer = client.get("/api/schema/", headers={"Accept": "application/yaml"})
    assert yaml.safe_load(answer.content) == yaml.safe_load(COMMITTED.read_bytes()) | {"servers": [{"url": "/"}]}


def test_a_browser_shows_the_schema_and_does_not_save_it(client):
    answer = client.get("/api/schema/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "Accept" in answer["Vary"].split(", ")
    assert answer.content.startswith(b"openapi: 3.1.0\n")
    assert answer["Content-Disposition"].startswith("inline;")
    assert client.get("/api/schema/")["Content-Type"] == "application/vnd.oai.openapi; charset=utf-8"


def test_the_schema_is_valid_and_made_without_a_warning(schema):
    GENERATOR_STATS.reset()
    validate_schema(SchemaGenerator().get_schema(request=None, public=True))
    assert not GENERATOR_STATS, GENERATOR_STATS.emit_summary()
    assert schema["openapi"] == "3.1.0"


def test_every_part_of_it_is_json_schema_2020_12(schema):
    for each in (*schema["components"]["schemas"].values(), *parameters(schema)):
        Draft202012Validator.check_schema(each)
    assert '"nullable"' not in json.dumps(schema)


def parameters(schema):
    return [
        each["schema"]
        for methods in schema["paths"].values()
        for one in methods.values()
        for each in one.get("parameters", [])
    ]


def test_it_has_these_operations_and_no_other(schema):
    found = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_has_a_name_and_says_what_it_is_for(schema, line):
    said = operation(schema, line)
    assert said["operationId"] == OPERATIONS[line][0]
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", said["operationId"])
    assert 1 <= len(said["summary"].split()) <= 8
    assert len(said["description"]) > 40
    assert set(said["tags"]) < {each["name"] for each in schema["tags"]}


def test_no_two_operations_are_called_the_same():
    names = [name for name, *_ in OPERATIONS.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_says_who_may_use_it(schema, line):
    security = operation(schema, line)["security"]
    assert security == ([{"jwtAuth": []}] if OPERATIONS[line][1] else [])
    assert schema["components"]["securitySchemes"]["jwtAuth"]["scheme"] == "bearer"


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_says_what_it_takes(schema, line):
    body, request = operation(schema, line).get("requestBody"), OPERATIONS[line][2]
    if request is None:
        assert body is None
        return
    # Forms are taken too: some generators make of several forms of one body code that cannot be run.
    assert {form: reference(content) for form, content in body["content"].items()} == {"application/json": request}
    assert examples(body["content"]["application/json"])
    for each in examples(body["content"]["application/json"]):
        validator(schema, component(schema, request)).validate(each)


@pytest.mark.parametrize("line", OPERATIONS)
def test_an_operation_says_what_it_answers(schema, line):
    _, login, request, status, answer, errors = OPERATIONS[line]
    found = responses(schema, line)
    always = {status, "429"} | ({"401"} if login else set()) | ({"413", "415"} if request else set())
    assert set(found) == always | set(errors.split()) | ({"406"} if answer else set())
    # One form for each success: a client's function returns one type.
    form, described = ("application/json", {"$ref": f"#/components/schemas/{answer}"}) if answer else CSV
    assert {form: content["schema"] for form, content in found[status]["content"].items()} == {form: described}
    for status, response in found.items():
        ((_, content),) = response["content"].items()
        assert response["description"]
        assert {"X-Request-ID", HEADERS.get(status, "X-Request-ID")} <= set(response["headers"])
        assert examples(content), status
        for each in examples(content):
            validator(schema, content["schema"]).validate(each)
            if status >= "400":
                assert {"detail"} <= set(each) <= {"detail", "code"} or all(
                    isinstance(words, list) for words in each.values()
                )


def test_every_field_and_every_parameter_says_what_it_is(schema):
    fields = {
        f"{name}.{field}": resolved(schema, said) | said
        for name, described in schema["components"]["schemas"].items()
        for field, said in described.get("properties", {}).items()
    }
    given = {
        f"{operation(schema, line)['operationId']}.{each['name']}": each
        for line in OPERATIONS
        for each in operation(schema, line).get("parameters", [])
    }
    assert [name for name, said in (fields | given).items() if not said.get("description")] == []


TAKEN = {
    # component.field: what it takes, and what it does not; of what the service takes in several forms, the first
    "Registration.credit": ([0, 5, MOST], [-1, 1.5, "5", "", True, None]),
    "TopUp.credit": ([1, MOST], [0, "1", None]),
    "Creation.price": ([1, 450], [0, -1, "450", False]),
    "Creation.isactive": ([True, False], [None, 0, 1, "true"]),
    "Activation.isactive": ([True, False], [None, 0, 1, "true"]),
    "Creation.name": (["VM", "اشتراک", " a ", "a" * 32], ["", "  ", "a" * 33, None, 5]),
    "Registration.username": (["Alifa", "علی", "a.b@c+d-e_f"], ["", "a b", "a/b", "a" * 151, None]),
    "Registration.password": (["ali1380", "four words and more"], ["", "short", "1234567", "a" * 257]),
}


@pytest.mark.parametrize("place", TAKEN)
def test_a_field_says_just_what_it_takes(schema, place):
    name, field = place.split(".")
    check = validator(schema, component(schema, name)["properties"][field])
    good, bad = TAKEN[place]
    assert [value for value in good if not check.is_valid(value)] == []
    assert [value for value in bad if check.is_valid(value)] == []


def everything(part):
    """All objects of the schema, itself first."""
    if isinstance(part, dict):
        yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from everything(each)


def test_every_whole_number_says_how_wide_it_is(schema):
    """Where nothing is said, generators make 32 bits of it, in which three billion is not three billion."""
    numbers = [each for each in everything(schema) if "integer" in (each.get("type"), *(each.get("type") or ()))]
    assert len(numbers) > 50
    for number in numbers:
        narrow = number.get("maximum", MOST) < 2**31
        assert number.get("format") == ("int32" if narrow else "int64"), number
    assert {each["format"] for each in numbers} == {"int32", "int64"}


def test_what_is_published_has_one_type_wherever_that_is_possible(schema):
    """Of unions there are those with null, those of components, and times that may be dates."""
    time_or_date = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    for each in everything(schema):
        unions = [each[kind] for kind in ("anyOf", "oneOf") if isinstance(each.get(kind), list)]
        for union in unions:
            others = [one for one in union if one != {"type": "null"}]
            assert all("$ref" in one for one in others) or {"anyOf": union} == time_or_date, each
        assert not ({"enum", "minLength"} <= each.keys()), each
        if "default" in each:
            assert validator(schema, each).is_valid(each["default"]), each


def test_no_two_enumerations_share_the_name_of_a_constant(schema):
    """In Go they share one space."""
    enums = [each for each in schema["components"]["schemas"].values() if "enum" in each]
    names = [name for each in enums for name in each.get("x-enum-varnames", each["enum"])]
    assert len(enums) >= 3
    assert len(set(names)) == len(names)
    assert all(len(each["enum"]) == len(each.get("x-enum-varnames", each["enum"])) for each in enums)


def test_a_bad_request_is_one_error_or_one_of_fields(schema):
    check = validator(schema, component(schema, "BadRequest"))
    good = [{"detail": "no JSON"}, {"username": ["taken"]}, {"detail": ["a field of that name"]}]
    bad = [{}, {"username": "taken"}, {"username": []}]
    assert [[each for each in some if check.is_valid(each)] for some in (good, bad)] == [good, []]


KEYS = (["a", "2030-01-01-payment-17", '"quoted"', r'"\"q\""', "a b", "k" * 255], ["", "é", '"', "k" * 256, '"a'])


@pytest.mark.parametrize("line", ["PUT /customer/increasecredit/", "POST /subscription/create/"])
def test_an_idempotency_key_is_described(schema, line):
    (key,) = (each for each in operation(schema, line)["parameters"] if each["name"] == "Idempotency-Key")
    check = validator(schema, key["schema"])
    assert [[value for value in values if check.is_valid(value)] for values in KEYS] == [KEYS[0], []]
    success = next(each for status, each in responses(schema, line).items() if status < "300")
    assert "Idempotency-Replayed" in success["headers"]


def test_links_lead_to_operations_that_there_are(schema):
    names = {name for name, *_ in OPERATIONS.values()}
    led = {
        link["operationId"]
        for line in OPERATIONS
        for response in responses(schema, line).values()
        for link in response.get("links", {}).values()
    }
    assert led == {"refreshToken", "editActivation", "getSubscription"} <= names


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
        assert (page[link]["type"], page[link]["format"]) == (["string", "null"], "uri")
    asked = {one["name"]: one["schema"] for one in operation(schema, f"GET {path}")["parameters"]}
    assert asked["cursor"] == {"type": "string"}
    assert asked["page_size"] == {"type": "integer", "format": "int64", "minimum": 1, "default": 100}


def test_a_paused_job_has_no_next_invoice(schema):
    fields = component(schema, "Subscription")["properties"]
    assert fields["next_invoice_at"]["type"] == ["string", "null"]
    assert {"type": "null"} in fields["paused_because"]["oneOf"]
    assert component(schema, "PausedBecauseEnum")["enum"] == ["deactivated", "insufficient_credit"]


@pytest.mark.parametrize(
    ("asked", "accept", "form"),
    [
        ("?format=json", "*/*", "application/vnd.oai.openapi+json"),
        ("?format=yaml", "application/json", "application/vnd.oai.openapi"),
        ("", "application/json", "application/json"),
        ("", "application/json;q=0.5, application/yaml", "application/yaml"),
    ],
)
def test_the_schema_is_json_or_yaml_as_it_is_asked_for(client, asked, accept, form):
    answer = client.get(f"/api/schema/{asked}", headers={"Accept": accept})
    assert answer["Content-Type"] == f"{form}; charset=utf-8"
    read = json.loads if "json" in form else yaml.safe_load
    assert read(answer.content) == yaml.safe_load(COMMITTED.read_bytes()) | {"servers": [{"url": "/"}]}
    if "json" not in form:
        assert answer.content.startswith(b"openapi: 3.1.0\n")


def test_a_format_that_the_schema_does_not_have_is_refused_in_json(client):
    answer = client.get("/api/schema/?format=xml")
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/json")


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
