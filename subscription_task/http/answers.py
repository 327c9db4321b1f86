"""How answers are made: by serializers that are kept, since making one with its fields costs more than using it."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from subscription_task.http import csv_files
from subscription_task.http.language import kept_for_all
from subscription_task.http.negotiation import AlsoCSV, wants_csv


@cache
def kept(kind: type[Serializer]) -> Serializer:
    """The one serializer of its kind; it is given no data and no context."""
    return kept_for_all(kind())


def shown(kind: type[Serializer], thing: Any) -> dict[str, Any]:
    """`thing` as serializers of this kind show it; they must not want a context."""
    return kept(kind).to_representation(thing)


def file_of(
    request: Request, kind: type[Serializer], chunks: Iterable[Iterable[Any]], *, name: str
) -> HttpResponseBase:
    """The CSV file `name` of all things in `chunks`, as serializers of this kind show them."""
    rows = ((shown(kind, thing) for thing in chunk) for chunk in chunks)
    return csv_files.answer(request._request, csv_files.lines(list(kept(kind).fields), rows), name=name)


class PageView(AlsoCSV, ListAPIView):
    """A page of what `get_queryset` finds, each as `serializer_class` shows it; or all of it as CSV."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = self.get_queryset()
        if wants_csv(request):
            name = self.pagination_class.list_name
            return file_of(request, self.serializer_class, self.chunks(found), name=name)
        page = self.paginate_queryset(found)
        return self.get_paginated_response([shown(self.serializer_class, each) for each in page])

    def chunks(self, found: Any) -> Iterator[Iterable[Any]]:
        """All that was found, in the order of the pages."""
        return csv_files.by_key(found, ascending=self.pagination_class.ordering == "id")
