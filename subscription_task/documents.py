"""The API's documents as they are served: the schema, Swagger UI, and Redoc; and what the schema says as a whole."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from customer import documents as customer
from customer import limits
from invoice import documents as invoice
from subscription import documents as subscription
from subscription_task.http.documents import components
from subscription_task.http.negotiation import ErrorsInJSON, Negotiation

DESCRIPTION = """\
Customers hold **credit** and add **subscriptions**. Each period of a subscription that runs makes one **invoice** and
takes its price from the credit. A subscription is **paused** while it is switched off, or while the credit does not
cover its price; it goes on at the next instant of its grid. What was paused is never billed, then or later.

## Begin

`POST /customer/register/`, then `POST /customer/login/`. All operations on one's own things want the access token:
`Authorization: Bearer <access>`. It is good for 30 minutes; `POST /customer/token/refresh/` gives a new one.

## Money and time

Money is an integer in the smallest unit, from 0 to 9223372036854775807. In a request it may also be a string of 1 to 19
digits. All times are UTC, but those of a series of statistics, which have the offset of the zone that was asked for.

Ids and money have 64 bits. **In JavaScript a number is exact up to 9007199254740991 (2⁵³ − 1)**, and `JSON.parse`
rounds what is larger without a word. Where your sums come near that, read answers with a parser that makes `BigInt` of
them (`json-bigint`, say; or the reviver of `JSON.parse`, whose third argument has the digits where the engine gives
them), and send money as a string of its digits. Or keep to a unit in which they are smaller.

## Bodies

Are JSON, and so described here. Forms, `application/x-www-form-urlencoded` and `multipart/form-data`, are taken too,
with the same fields.

## Billing

A subscription is billed at the instants creation + 1 period, + 2 periods, … (the creation floored to the second). Each
invoice is for the period that begins at its instant, so the first period is free. Where several are due, the earliest
instant is billed first, then the lowest id. There is exactly one invoice for each instant at which a subscription ran,
however late: what was missed is billed when the service is back, with the times it would have had.

## When no answer came

Send an `Idempotency-Key` with a top-up or a creation, and the same request again: it has its effect once, and gets the
first answer again, with `Idempotency-Replayed: true`. For another request the key is refused with 422. A refused
request keeps no key. Of the others, two say something else when they are sent again: a registration, that the name is
taken, and a change of password, that the token or the old password is none any longer. If they are yours, log in.

## Errors

`{"detail": "…"}`, or `{"<field>": ["…"]}` where fields are wrong. Beside those that each operation names: 400 for a
host or a length that makes no sense, 404 for an unknown path, 405 for a method that a path does not have, 500 where
the service fails. With `Accept-Language: fa` messages are in Persian. `X-Request-ID` names the request in the log of
the service: say it where you ask for help.

## Lists

Come in pages: `next` and `previous` are the addresses of the pages beside this one, or null. Every row is seen exactly
once, however many arrive meanwhile.

## Files

What a path that ends with `.csv` gives is all of it as one file, however long, whatever `Accept` says. The path without
it gives the same with `?format=csv` or `Accept: text/csv`, and JSON else; errors are always JSON. A file that breaks
off is an error at the client.

## Limits

Where they are on, each request but a login counts in one of these:

| limit | requests | in | counted for |
|---|---|---|---|
{limits}

`RateLimit-Policy` and `RateLimit` say how much is left, and 429 has `Retry-After`. Failed logins are limited always:
after ten in a minute, of one name from one address, also the right password gets 429 until `Retry-After`. A body is at
most 1 MiB.

Every path works with and without its trailing slash; `/Invoice/…` is `/invoice/…`. Unknown fields and parameters are
ignored.
"""


_INT32, _INT64 = 2**31 - 1, 2**63 - 1


def complete(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """A hook of drf-spectacular: the schema with what its operations share, and with words for each field."""
    result["info"]["description"] = DESCRIPTION.replace("{limits}", "\n".join(_limits()))
    result["components"]["schemas"].pop("NullEnum", None)
    for kind, parts in components().items():
        result["components"].setdefault(kind, {}).update(parts)
    result["components"] = {kind: dict(sorted(parts.items())) for kind, parts in sorted(result["components"].items())}
    for app in (customer, subscription, invoice):
        for name, fields in app.FIELDS.items():
            for field, said in fields.items():
                described = result["components"]["schemas"][name]["properties"]
                said = said if isinstance(said, dict) else {"description": described[field].get("description", said)}
                described[field] = described[field] | said
    for part in _parts(result):
        _say_null(part)
        _say_width(part)
        if "enum" in part:
            part.pop("minLength", None)
    _name_apart(result["components"]["schemas"])
    return result


def _limits() -> Iterator[str]:
    """The rows of the table of limits."""
    for limit, whose in (
        (limits.CUSTOMER, "each customer, with an access token"),
        (limits.FORECAST, "each customer, of forecasts"),
        (limits.ADDRESS, "each address, without a token"),
        (limits.REGISTRATION, "each address, of registrations"),
    ):
        yield f"| `{limit.name}` | {limit.quota} | {limit.seconds}\u00a0s | {whose} |"


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    """All objects in it, itself first."""
    if isinstance(part, dict):
        yield part
    for each in list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _parts(each)


def _say_null(part: dict[str, Any]) -> None:
    """Puts null itself where drf-spectacular has an enumeration of nothing else, of which generators make a class."""
    if part.get("$ref") == "#/components/schemas/NullEnum":
        part.clear()
        part["type"] = "null"


def _say_width(part: dict[str, Any]) -> None:
    """Gives a whole number its width: where nothing is said, generators make 32 bits of it, and money has 64."""
    if part.get("type") == "integer" or (isinstance(part.get("type"), list) and "integer" in part["type"]):
        part["format"] = "int32" if part.get("maximum", _INT64) <= _INT32 else "int64"


def _name_apart(schemas: dict[str, Any]) -> None:
    """Gives constants names of their own where two enumerations have the same value: in Go they share one space."""
    enums = {name: schema for name, schema in schemas.items() if "enum" in schema}
    counted = Counter(value for schema in enums.values() for value in schema["enum"])
    for name, schema in enums.items():
        if any(counted[value] > 1 for value in schema["enum"]):
            schema["x-enum-varnames"] = [f"{name.removesuffix('Enum')}_{value}".upper() for value in schema["enum"]]


class Schema(ErrorsInJSON, SpectacularAPIView):
    """The schema, YAML or JSON by `?format=` or `Accept`: in English whatever is asked for, and written once, since it
    takes a second.
    """

    content_negotiation_class = Negotiation

    def get(self, request: Request, *args: Any, **options: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        # A browser shows text, and would save what it does not know.
        form = "text/plain" if "text/html" in request.headers.get("Accept", "") else renderer.media_type
        return HttpResponse(
            _written(type(renderer)),
            content_type=f"{form}; charset=utf-8",
            headers={"Content-Disposition": f'inline; filename="openapi.{renderer.format}"'},
        )


@cache
def _written(renderer: type[BaseRenderer]) -> bytes:
    with translation.override("en"):
        schema = SchemaGenerator().get_schema(public=True)
    # "/" is the host of the schema itself, wherever that is served.
    return renderer().render(schema | {"servers": [{"url": "/"}]})


class SwaggerUI(ErrorsInJSON, SpectacularSwaggerSplitView):
    """Swagger UI; its script has an address of its own, as no page of ours has one in it."""

    http_method_names = ("get", "head")

    template_name = "swagger.html"


def redoc(request: HttpRequest) -> HttpResponse:
    """Redoc, from this host alone, which drf-spectacular's own page is not."""
    return render(request, "redoc.html")
