"""The API's documents as they are served: the schema, Swagger UI, and Redoc; and what the schema says as a whole."""

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
from subscription_task.http.negotiation import ErrorsInJSON

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


def complete(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """A hook of drf-spectacular: the schema with what its operations share, and with words for each field."""
    result["info"]["description"] = DESCRIPTION.replace("{limits}", "\n".join(_limits()))
    result["components"]["schemas"].pop("NullEnum", None)
    _say_null(result)
    for kind, parts in components().items():
        result["components"].setdefault(kind, {}).update(parts)
    result["components"] = {kind: dict(sorted(parts.items())) for kind, parts in sorted(result["components"].items())}
    for app in (customer, subscription, invoice):
        for name, fields in app.FIELDS.items():
            for field, said in fields.items():
                described = result["components"]["schemas"][name]["properties"]
                said = said if isinstance(said, dict) else {"description": described[field].get("description", said)}
                described[field] = described[field] | said
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


def _say_null(part: Any) -> None:
    """Puts null itself where drf-spectacular has an enumeration of nothing else, of which generators make a class."""
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        if isinstance(each, dict) and each.get("$ref") == "#/components/schemas/NullEnum":
            each.clear()
            each["type"] = "null"
        _say_null(each)


class Schema(ErrorsInJSON, SpectacularAPIView):
    """The schema, YAML or JSON: in English whatever is asked for, and written once, since it takes a second."""

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
