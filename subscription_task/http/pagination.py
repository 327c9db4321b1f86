"""Cursor pagination over ids: every row is seen exactly once, however many arrive meanwhile."""

from typing import Any

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from subscription_task.http import query

CURSOR = "Of the page; `next` and `previous` have it."
PAGE_SIZE = "The rows of a page; at most {most} are given. A file has no pages."


class IdPagination(CursorPagination):
    """Pages of `page_size` rows, by `ordering` (`id` or `-id`), in an answer whose list is called `list_name`.

    Ids are unique, so a cursor is a direction and an id. It is signed for its list: a forged one, or one of another
    list, is 404. What lists its rows by another key has its own `place_of` and `beside`.
    """

    list_name: str
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    template = None

    def get_page_size(self, request: Any) -> int:
        asked = query.one(request, self.page_size_query_param)
        if asked is None:
            return self.page_size
        digits = asked.lstrip("0")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValidationError({self.page_size_query_param: [_("A whole number of at least 1 is required.")]})
        return min(int(digits[:9]), self.max_page_size)

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list:
        self.base_url = request.build_absolute_uri()
        size, cursor = self.get_page_size(request), self.decode_cursor(request)
        up, self.place = (cursor.reverse, cursor.position) if cursor else (False, None)
        found = self.beside(queryset, self.place, up=up, most=size + 1)
        self.page, more, began = found[:size], len(found) > size, self.place is not None
        self.has_next, self.has_previous = (began, more) if up else (more, began)
        if up:
            self.page.reverse()
        return self.page

    def place_of(self, row: Any) -> str:
        """Where a row stands in the order."""
        return str(row.pk)

    def beside(self, rows: Any, place: str | None, *, up: bool, most: int) -> list:
        """The rows below a place in the order, or, going `up`, those above it: the nearest first."""
        descending = self.ordering.startswith("-") != up
        if place is not None:
            rows = rows.filter(**{"pk__lt" if descending else "pk__gt": place})
        return list(rows.order_by("-pk" if descending else "pk")[:most])

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1:], reverse=False) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[:1], reverse=True) if self.has_previous else None

    def _link(self, last: list, *, reverse: bool) -> str:
        position = self.place_of(last[0]) if last else self.place
        return self.encode_cursor(Cursor(offset=0, reverse=reverse, position=position))

    def encode_cursor(self, cursor: Cursor) -> str:
        token = self._signer().sign(f"{'r' if cursor.reverse else 'f'}{cursor.position}")
        return replace_query_param(self.base_url, self.cursor_query_param, token)

    def decode_cursor(self, request: Any) -> Cursor | None:
        token = query.one(request, self.cursor_query_param)
        if token is None:
            return None
        try:
            place = self._signer().unsign(token)
        except BadSignature:
            raise NotFound(self.invalid_cursor_message) from None
        return Cursor(offset=0, reverse=place[0] == "r", position=place[1:])

    def _signer(self) -> Signer:
        return Signer(salt=f"cursor of {self.list_name}")

    def get_paginated_response(self, data: list) -> Response:
        return Response({self.list_name: data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_schema_operation_parameters(self, view: Any) -> list[dict]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.cursor_query_param:
                parameter["description"] = CURSOR
            if parameter["name"] == self.page_size_query_param:
                parameter["description"] = PAGE_SIZE.format(most=self.max_page_size)
                parameter["schema"] = {"type": "integer", "minimum": 1, "default": self.page_size}
        return parameters

    def get_paginated_response_schema(self, schema: dict) -> dict:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": [self.list_name, "next", "previous"],
            "properties": {self.list_name: schema, "next": link, "previous": link},
        }
