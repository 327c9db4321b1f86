from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customer.models import Account
from invoice.models import Invoice
from invoice.serializers import InvoiceSerializer, StatisticsSerializer
from subscription_task.http.answers import PageView, shown
from subscription_task.http.documents import errors
from subscription_task.http.pagination import IdPagination


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


class Statistics(APIView):
    """How many invoices the customer has, and what they cost together."""

    @extend_schema(responses={200: StatisticsSerializer, **errors(401, 429)})
    def get(self, request: Request) -> Response:
        return Response(shown(StatisticsSerializer, Account.objects.get(pk=request.user.pk)))
