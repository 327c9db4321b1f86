"""Cursor pagination over ids: every row is seen exactly once, however many arrive meanwhile."""

from typing import Any

from django.core.signing import BadSignature, Signer
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param


class IdPagination(CursorPagination):
    """Pages of `page_size` rows, by `ordering` (`id` or `-id`), in an answer whose list is called `list_name`.

    Ids are unique, so a cursor is a direction and an id. It is signed for its list: a forged one, or one of another
    list, is 404.
    """

    list_name: str
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    template = None

    def get_page_size(self, request: Any) -> int:
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        digits = asked.lstrip("0")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValidationError({self.page_size_query_param: ["A whole number of at least 1 is required."]})
        return min(int(digits[:9]), self.max_page_size)

    def encode_cursor(self, cursor: Cursor) -> str:
        token = self._signer().sign(f"{'r' if cursor.reverse else 'f'}{cursor.position}")
        return replace_query_param(self.base_url, self.cursor_query_param, token)

    def decode_cursor(self, request: Any) -> Cursor | None:
        token = request.query_params.get(self.cursor_query_param)
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
            if parameter["name"] == self.page_size_query_param:
                parameter["description"] = f"The rows of a page; at most {self.max_page_size} are given."
                parameter["schema"] = {"type": "integer", "minimum": 1, "default": self.page_size}
        return parameters

    def get_paginated_response_schema(self, schema: dict) -> dict:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": [self.list_name, "next", "previous"],
            "properties": {self.list_name: schema, "next": link, "previous": link},
        }
