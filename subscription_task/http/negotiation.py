"""JSON or CSV, by `?format=` or by `Accept`; an error is JSON even so."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from subscription_task.http import accept, query

PARAMETER = "format"


class CSVRenderer(BaseRenderer):
    """Says that there is CSV. What is CSV is streamed, and not rendered."""

    media_type = "text/csv"
    format = "csv"


A_FILE = {(200, CSVRenderer.media_type): OpenApiTypes.STR}
"""The entry of `extend_schema(responses=…)` for CSV."""


class ByAccept(DefaultContentNegotiation):
    """By `Accept`, of which DRF's own does not read the weights."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        wanted = accept.preferred(request, [renderer.media_type for renderer in renderers])
        for renderer in renderers:
            if renderer.media_type == wanted:
                return renderer, wanted
        raise NotAcceptable(available_renderers=renderers)


class Negotiation(ByAccept):
    """By `?format=`, where that is said, else by `Accept`."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        said = query.one(request, PARAMETER)
        if said is None:
            return super().select_renderer(request, renderers, format_suffix)
        for renderer in renderers:
            if renderer.format == said:
                return renderer, renderer.media_type
        formats = _(", ").join(renderer.format for renderer in renderers)
        raise NotAcceptable(_("There is no such format here: %(formats)s are.") % {"formats": formats})


class OneForm(BaseContentNegotiation):
    """The path says which form it is."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ErrorsInJSON:
    """A view whose errors are JSON, whatever it answers else."""

    def handle_exception(self, error: Exception) -> Response:
        return self._in_json(super().handle_exception(error))

    def _in_json(self, response: Response) -> Response:
        self.request.accepted_renderer, self.request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return response


class AlsoCSV(ErrorsInJSON):
    """A view whose answers are had as CSV too."""

    renderer_classes = (JSONRenderer, CSVRenderer)
    content_negotiation_class = Negotiation

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._in_json(super().options(request, *args, **kwargs))


class AsFile(AlsoCSV):
    """The same view on a path of its own, which gives CSV alone, whatever is accepted.

    A path that has two forms is for generated clients an answer of two types.
    """

    renderer_classes = (CSVRenderer,)
    content_negotiation_class = OneForm


def wants_csv(request: Request) -> bool:
    return request.accepted_renderer.format == CSVRenderer.format
