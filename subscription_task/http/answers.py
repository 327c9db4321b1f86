"""How answers are made: by serializers that are kept, since making one with its fields costs more than using it."""

from functools import cache
from typing import Any

from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer


@cache
def _kept(kind: type[Serializer]) -> Serializer:
    return kind()


def shown(kind: type[Serializer], thing: Any) -> dict[str, Any]:
    """`thing` as serializers of this kind show it; they must not want a context."""
    return _kept(kind).to_representation(thing)


class PageView(ListAPIView):
    """A page of what `get_queryset` finds, each as `serializer_class` shows it."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([shown(self.serializer_class, each) for each in page])
