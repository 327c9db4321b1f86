from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from customer.accounts import Event
from invoice import answers, documents, invoices, outlook, statements, statistics
from invoice.answers import (
    ForecastRequestSerializer,
    ForecastSerializer,
    LineSerializer,
    ReasonsSerializer,
    StatementSerializer,
)
from invoice.invoices import Place, Question
from invoice.serializers import (
    InvoiceQuestionSerializer,
    InvoiceSerializer,
    StatisticsQuestionSerializer,
    StatisticsSerializer,
    kind_of_rows,
)
from subscription import subscriptions
from subscription_task.http import csv_files, parameters, query
from subscription_task.http.answers import PageView, file_of, shown
from subscription_task.http.documents import errors
from subscription_task.http.negotiation import A_FILE, AlsoCSV, AsFile, wants_csv
from subscription_task.http.pagination import CURSOR, PAGE_SIZE, IdPagination

PAGE = [
    OpenApiParameter("cursor", str, description=CURSOR),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "default": IdPagination.page_size},
        description=PAGE_SIZE.format(most=IdPagination.max_page_size),
    ),
]


class InvoicePagination(IdPagination):
    """By id, or, of those that are asked for, by time and id."""

    list_name = "invoices"
    ordering = "-id"

    def place_of(self, row: Any) -> str:
        return super().place_of(row) if self.everything else str(Place(at=row.start_time, id=row.pk))

    def beside(self, question: Question, place: str | None, *, up: bool, most: int) -> list:
        self.everything = question.is_all
        at = Place.of(place) if place else None
        if place and self.everything != (at is None):
            raise NotFound(self.invalid_cursor_message)
        if self.everything:
            return super().beside(question.rows(), place, up=up, most=most)
        return invoices.beside(question, at, up=up, most=most)


@extend_schema_view(
    get=extend_schema(
        parameters=[InvoiceQuestionSerializer],
        responses={200: InvoiceSerializer(many=True), **errors(400, 401, 404, 429)},
    )
)
class List(PageView):
    """The customer's invoices, or those that are asked for, newest first."""

    document = documents.LIST
    serializer_class = InvoiceSerializer
    pagination_class = InvoicePagination

    def get_queryset(self) -> Question:
        return Question(customer_id=self.request.user.pk, **parameters.read(InvoiceQuestionSerializer, self.request))

    def chunks(self, found: Question) -> Any:
        return invoices.chunks(found)


@extend_schema_view(
    get=extend_schema(parameters=[InvoiceQuestionSerializer], responses={**A_FILE, **errors(400, 401, 429)})
)
class ListFile(AsFile, List):
    """The same as a file."""

    document = documents.LIST_FILE


class Reasons(APIView):
    """One subscription: why it stands as it does, and what it has cost."""

    document = documents.REASONS

    @extend_schema(responses={200: ReasonsSerializer, **errors(401, 404, 429)})
    def get(self, request: Request, subid: int) -> Response:
        subscription = subscriptions.one_of(customer_id=request.user.pk, subscription_id=subid)
        return Response(shown(ReasonsSerializer, answers.reasons(subscription)))


class Statement(AlsoCSV, APIView):
    """Ledger entries and invoices in one stream, newest first, each with the balance after it."""

    document = documents.STATEMENT

    @extend_schema(parameters=PAGE, responses={200: StatementSerializer, **errors(400, 401, 404, 429)})
    def get(self, request: Request) -> HttpResponseBase:
        if wants_csv(request):
            pages = statements.pages(customer_id=request.user.pk, size=csv_files.ROWS_AT_ONCE)
            return file_of(request, LineSerializer, pages, name="statement")
        size, cursor = IdPagination().get_page_size(request), query.one(request, "cursor")
        page = statements.page(customer_id=request.user.pk, size=size, cursor=cursor)
        here = request.build_absolute_uri()
        links = {
            name: place and replace_query_param(here, "cursor", place)
            for name, place in (("next", page.older), ("previous", page.newer))
        }
        return Response(shown(StatementSerializer, {"credit": page.credit, "entries": page.lines, **links}))


@extend_schema_view(get=extend_schema(parameters=[], responses={**A_FILE, **errors(401, 429)}))
class StatementFile(AsFile, Statement):
    """The same as a file."""

    document = documents.STATEMENT_FILE


class Forecast(APIView):
    """The invoices to come, when the credit runs out, and what a top-up would change. Nothing is done."""

    document = documents.FORECAST

    @extend_schema(
        parameters=[ForecastRequestSerializer], responses={200: ForecastSerializer, **errors(400, 401, 429, 503)}
    )
    def get(self, request: Request) -> Response:
        asked = parameters.read(ForecastRequestSerializer, request)
        credit, days = asked["credit"], asked["days"]
        position = outlook.read(customer_id=request.user.pk)
        without = outlook.look(position, days=days)
        if not credit:
            return Response(answers.forecast(without, None))
        change = outlook.put_in(position, credit)
        course = outlook.look(position, event=Event.TOP_UP, change=change, days=days)
        return Response(answers.forecast(course, without))


class Statistics(AlsoCSV, APIView):
    """How many invoices the customer has, and what they cost together; in a range of time, by groups."""

    document = documents.STATISTICS

    @extend_schema(
        parameters=[StatisticsQuestionSerializer], responses={200: StatisticsSerializer, **errors(400, 401, 429)}
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = parameters.read(StatisticsQuestionSerializer, request)
        charged = statistics.charged(customer_id=request.user.pk, **asked)
        if wants_csv(request):
            return file_of(request, kind_of_rows(asked["group_by"]), [charged.rows()], name="statistics")
        return Response(shown(StatisticsSerializer, charged.fields()))


@extend_schema_view(
    get=extend_schema(parameters=[StatisticsQuestionSerializer], responses={**A_FILE, **errors(400, 401, 429)})
)
class StatisticsFile(AsFile, Statistics):
    """The same as a file."""

    document = documents.STATISTICS_FILE
