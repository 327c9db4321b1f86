"""What the API's documents say of an operation, apart from its serializers: words, examples, errors, headers, links.

Each view has a `document`; `DocumentedSchema` makes the operation of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

JSON, CSV = "application/json", "text/csv"
_IN_PATHS = {"subid": "The id of one of your subscriptions."}


@dataclass(frozen=True, kw_only=True)
class Document:
    """What is to be said of one operation. Examples have names, which are shown, and must be true."""

    id: str
    """As a function of a generated client is called."""
    tag: str
    summary: str
    description: str
    answer: str
    """What a success means."""
    requests: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Examples by status: of 400, 403 and 404, and of others where the words for all operations do not fit."""
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What a success leads to."""
    replays: bool = False
    """Whether it takes an `Idempotency-Key`."""
    is_file: bool = False
    """Whether it answers with CSV."""


SHARED = {
    # status: (its name, what it means, an example)
    401: (
        "NotLoggedIn",
        "There is no token, or it is expired, forged or no access token; or the customer is deactivated or has"
        " changed the password since.",
        {"detail": "Authentication credentials were not provided."},
    ),
    406: (
        "NotAcceptable",
        "`Accept` asks for a form that the operation does not have.",
        {"detail": "Could not satisfy the request Accept header."},
    ),
    409: (
        "Busy",
        "Another request for the account, perhaps with the same idempotency key, is still under way after ten"
        " seconds. Nothing was done: try again.",
        {"detail": "Another request for this account is still under way. Please try again."},
    ),
    413: ("TooLarge", "The body is over 1 MiB.", {"detail": "The request body is over 1 MiB."}),
    415: (
        "UnsupportedMediaType",
        "The body is neither JSON nor a form, or not in UTF-8.",
        {"detail": 'Unsupported media type "text/plain" in request.'},
    ),
    422: (
        "KeyUsed",
        "The idempotency key was used for another request.",
        {"detail": "This idempotency key was used for another request."},
    ),
    429: (
        "TooOften",
        "Too many requests, or failed logins. `Retry-After` says when to try again.",
        {"detail": "Request was throttled. Expected available in 42 seconds."},
    ),
    503: (
        "SetAside",
        "The account's books need a repair. It can be read meanwhile; changes can be made once it is done.",
        {"detail": "This account is being repaired. Please try again later."},
    ),
}
"""Errors that mean the same wherever they occur."""
_OWN = {
    400: "What is wrong, by field; or in `detail`, where the request cannot be read at all.",
    401: SHARED[401][1],
    403: "Not allowed here.",
    404: "There is none.",
}
"""Errors of which each operation has examples of its own."""

SCHEMAS = {
    "Error": {
        "type": "object",
        "description": "What went wrong, for a person to read.",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string", "description": "In the language of `Accept-Language`."},
            "code": {
                "type": "string",
                "description": "With a token that is refused, why: `token_not_valid`, where a new one may help,"
                " `user_inactive`, `user_not_found`, `password_changed` or `bad_authorization_header`.",
            },
        },
    },
    "FieldErrors": {
        "type": "object",
        "description": "What is wrong with each field; `non_field_errors` is about several.",
        "minProperties": 1,
        "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "BadRequest": {
        "description": "What is wrong, by field; or in `detail`, where the request cannot be read at all.",
        "oneOf": [{"$ref": "#/components/schemas/Error"}, {"$ref": "#/components/schemas/FieldErrors"}],
    },
}

HEADERS = {
    "X-Request-ID": {
        "description": "The id of this request in the service's log: the one sent in `X-Request-ID`, if any.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "0f8b2f3d9c5e4b7aa1d6c2e84f90b713",
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="api"',
    },
    "Retry-After": {
        "description": "The seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 42,
    },
    "RateLimit-Policy": {
        "description": "The limit that this request counts in: `q` requests in a window of `w` seconds. Not sent where"
        " limits are off, nor with logins, which have limits of their own.",
        "schema": {"type": "string"},
        "example": '"customer";q=1200;w=60',
    },
    "RateLimit": {
        "description": "What is left of that: `r` requests, for `t` seconds. Sent where the other is.",
        "schema": {"type": "string"},
        "example": '"customer";r=1174;t=42',
    },
    "Idempotency-Replayed": {
        "description": "`true` where this is the first answer again, and nothing was done; else it is not sent.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}

IDEMPOTENCY_KEY = [
    OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "pattern": r'^([!#-~][ -~]{0,254}|"([ !#-\[\]-~]|\\["\\]){1,255}")$'},
        OpenApiParameter.HEADER,
        description="1 to 255 printable ASCII characters of your choice, bare or in double quotes with `\\` before"
        ' `"` and `\\`. Sent again with the same request, it has no second effect: the first answer comes again,'
        " with the header `Idempotency-Replayed: true`. The same request has the same values in the same form: `700`"
        ' and `"700"` are two.',
    )
]


def errors(*statuses: int) -> dict[int, Any]:
    """The entries of `extend_schema(responses=…)` for what an operation may refuse with."""
    return {status: OpenApiResponse(_schema_of(status), _OWN.get(status, "")) for status in statuses}


def _schema_of(status: int) -> dict[str, str]:
    return _to("schemas", "BadRequest" if status == 400 else "Error")


def _to(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def components() -> dict[str, dict[str, Any]]:
    """The parts that all operations share, by kind and name."""
    responses = {
        name: {
            "description": description,
            "headers": _headers(status),
            "content": {JSON: {"schema": _schema_of(status), "examples": {name: {"value": example}}}},
        }
        for status, (name, description, example) in SHARED.items()
    }
    return {"schemas": SCHEMAS, "responses": responses, "headers": HEADERS}


def _headers(status: int) -> dict[str, dict[str, str]]:
    """The headers of an answer with this status."""
    own = {401: ["WWW-Authenticate"], 429: ["Retry-After"]}.get(status, [])
    limits = ["RateLimit-Policy", "RateLimit"]
    return {name: _to("headers", name) for name in ["X-Request-ID", *own, *([] if status == 413 else limits)]}


class DocumentedSchema(AutoSchema):
    """The operation of a view, from its serializers and its `document`."""

    @property
    def document(self) -> Document | None:
        return getattr(self.view, "document", None)

    def get_operation_id(self) -> str:
        return self.document.id

    def get_summary(self) -> str:
        return self.document.summary

    def get_description(self) -> str:
        return self.document.description

    def get_tags(self) -> list[str]:
        return [self.document.tag]

    def is_excluded(self) -> bool:
        return self.document is None

    def get_operation(self, *args: Any, **options: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **options)
        if operation is not None:
            self._complete(operation)
        return operation

    def _complete(self, operation: dict[str, Any]) -> None:
        """Adds what holds for all operations, and the document's examples and links."""
        said, responses = self.document, operation["responses"]
        operation.setdefault("security", [])
        if "requestBody" in operation:
            # Generators make of several forms of one body several bodies, some of them in code that cannot be run.
            content = operation["requestBody"]["content"] = {JSON: operation["requestBody"]["content"][JSON]}
            _put_examples(content, said.requests)
        # A path that is a file answers with it whatever is accepted.
        for status in (*(() if said.is_file else (406,)), *((413, 415) if "requestBody" in operation else ())):
            responses.setdefault(str(status), None)
        for code in sorted(responses):
            status = int(code)
            response = responses.pop(code)  # and put back, in order
            if status in SHARED and status not in said.errors:
                responses[code] = _to("responses", SHARED[status][0])
                continue
            response["headers"] = response.get("headers", {}) | _headers(status)
            if status < 400:
                self._succeed(response)
            else:
                response["content"] = {JSON: {"schema": _schema_of(status)}}
                _put_examples(response["content"], said.errors.get(status))
            responses[code] = response
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                parameter["description"] = _IN_PATHS[parameter["name"]]

    def _succeed(self, response: dict[str, Any]) -> None:
        said = self.document
        response["description"] = said.answer
        form = CSV if said.is_file else JSON
        response["content"] = {form: response["content"][form]}  # of what else it gives by `?format=`, words tell
        if said.replays:
            response["headers"]["Idempotency-Replayed"] = _to("headers", "Idempotency-Replayed")
        _put_examples(response["content"], said.answers)
        if said.links:
            response["links"] = dict(said.links)


def _put_examples(content: dict[str, Any], examples: Mapping[str, Any] | None) -> None:
    """Examples are JSON; one whose value is a text is of CSV."""
    for name, value in (examples or {}).items():
        media_type = CSV if isinstance(value, str) else JSON
        content[media_type].setdefault("examples", {})[name] = {"value": value}


class _Whole(OpenApiSerializerFieldExtension):
    """A whole number. That a string of its digits is taken too is said in words: a union is an awkward type."""

    target_class = "subscription_task.http.fields.WholeField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.target.least, "maximum": self.target.most}


class _Text(OpenApiSerializerFieldExtension):
    """Text that is sent must not be blank."""

    target_class = "rest_framework.fields.CharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        if direction == "request" and not self.target.allow_blank:
            described["minLength"] = 1
            if self.target.trim_whitespace:
                described["pattern"] = r"\S"
        if isinstance(described["type"], list):
            described["type"] = described["type"][0]  # that it may be null is added later
        return described


class _Switch(OpenApiSerializerFieldExtension):
    """True or false. What else DRF's BooleanField takes for them is said in words."""

    target_class = "subscription_task.http.fields.SwitchField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "boolean"}
