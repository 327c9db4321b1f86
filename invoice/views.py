from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from customer.accounts import Event
from customer.models import Account
from invoice import answers, outlook, statements
from invoice.answers import ForecastRequestSerializer, ForecastSerializer, ReasonsSerializer, StatementSerializer
from invoice.models import Invoice
from invoice.serializers import InvoiceSerializer, StatisticsSerializer
from subscription import subscriptions
from subscription_task.http.answers import PageView, shown
from subscription_task.http.documents import errors
from subscription_task.http.pagination import IdPagination

PAGE = [
    OpenApiParameter("cursor", str, description="Of the page; `next` and `previous` have it."),
    OpenApiParameter("page_size", int, description="The lines of a page; at most 1000 are given."),
]


class InvoicePagination(IdPagination):
    list_name = "invoices"
    ordering = "-id"


@extend_schema_view(get=extend_schema(responses={200: InvoiceSerializer(many=True), **errors(400, 401, 404, 429)}))
class List(PageView):
    """The customer's invoices, newest first."""

    serializer_class = InvoiceSerializer
    pagination_class = InvoicePagination
    queryset = Invoice.objects.all()

    def get_queryset(self) -> Any:
        return super().get_queryset().of(self.request.user)


class Reasons(APIView):
    """One subscription: why it stands as it does, and what it has cost."""

    @extend_schema(responses={200: ReasonsSerializer, **errors(401, 404, 429)})
    def get(self, request: Request, subid: int) -> Response:
        subscription = subscriptions.one_of(customer_id=request.user.pk, subscription_id=subid)
        return Response(shown(ReasonsSerializer, answers.reasons(subscription)))


class Statement(APIView):
    """Ledger entries and invoices in one stream, newest first, each with the balance after it."""

    @extend_schema(parameters=PAGE, responses={200: StatementSerializer, **errors(400, 401, 404, 429)})
    def get(self, request: Request) -> Response:
        size, cursor = IdPagination().get_page_size(request), request.query_params.get("cursor")
        page = statements.page(customer_id=request.user.pk, size=size, cursor=cursor)
        here = request.build_absolute_uri()
        links = {
            name: place and replace_query_param(here, "cursor", place)
            for name, place in (("next", page.older), ("previous", page.newer))
        }
        return Response(shown(StatementSerializer, {"credit": page.credit, "entries": page.lines, **links}))


class Forecast(APIView):
    """The invoices to come, when the credit runs out, and what a top-up would change. Nothing is done."""

    @extend_schema(
        parameters=[ForecastRequestSerializer], responses={200: ForecastSerializer, **errors(400, 401, 429, 503)}
    )
    def get(self, request: Request) -> Response:
        said = ForecastRequestSerializer(data=request.query_params.dict())
        said.is_valid(raise_exception=True)
        credit, days = said.validated_data["credit"], said.validated_data["days"]
        position = outlook.read(customer_id=request.user.pk)
        without = outlook.look(position, days=days)
        if not credit:
            return Response(answers.forecast(without, None))
        change = outlook.put_in(position, credit)
        course = outlook.look(position, event=Event.TOP_UP, change=change, days=days)
        return Response(answers.forecast(course, without))


class Statistics(APIView):
    """How many invoices the customer has, and what they cost together."""

    @extend_schema(responses={200: StatisticsSerializer, **errors(401, 429)})
    def get(self, request: Request) -> Response:
        return Response(shown(StatisticsSerializer, Account.objects.get(pk=request.user.pk)))
