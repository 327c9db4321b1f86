from functools import partial

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customer import idempotency
from customer.accounts import Event
from subscription import documents, subscriptions
from subscription.models import SubscriptionQuerySet
from subscription.serializers import (
    ActivationSerializer,
    CreationSerializer,
    SubscriptionQuestionSerializer,
    SubscriptionSerializer,
)
from subscription_task.http import parameters
from subscription_task.http.answers import PageView, shown
from subscription_task.http.documents import IDEMPOTENCY_KEY, errors
from subscription_task.http.negotiation import A_FILE, AsFile
from subscription_task.http.pagination import IdPagination


class Create(APIView):
    """Adds a subscription; its first invoice comes one period later."""

    document = documents.CREATE

    @extend_schema(
        request=CreationSerializer,
        parameters=IDEMPOTENCY_KEY,
        responses={201: SubscriptionSerializer, **errors(400, 401, 409, 422, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        return idempotency.once(request, Event.CREATION, partial(self._create, request))

    def _create(self, request: Request) -> Response:
        said = CreationSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        subscription = subscriptions.create(customer=request.user, by=request.user, **said.validated_data)
        return Response(shown(SubscriptionSerializer, subscription), status=status.HTTP_201_CREATED)


class EditActivation(APIView):
    """Switches a subscription on or off."""

    document = documents.EDIT_ACTIVATION

    @extend_schema(
        request=ActivationSerializer, responses={200: SubscriptionSerializer, **errors(400, 401, 404, 429, 503)}
    )
    def put(self, request: Request, subid: int) -> Response:
        said = ActivationSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        subscription = subscriptions.set_active(
            customer_id=request.user.pk, subscription_id=subid, by=request.user, **said.validated_data
        )
        return Response(shown(SubscriptionSerializer, subscription))


class SubscriptionPagination(IdPagination):
    list_name = "subscriptions"
    ordering = "id"


@extend_schema_view(
    get=extend_schema(
        parameters=[SubscriptionQuestionSerializer],
        responses={200: SubscriptionSerializer(many=True), **errors(400, 401, 404, 429)},
    )
)
class List(PageView):
    """The customer's subscriptions, or those that are asked for, by id."""

    document = documents.LIST
    serializer_class = SubscriptionSerializer
    pagination_class = SubscriptionPagination

    def get_queryset(self) -> SubscriptionQuerySet:
        asked = parameters.read(SubscriptionQuestionSerializer, self.request)
        return subscriptions.find(customer_id=self.request.user.pk, **asked)


@extend_schema_view(
    get=extend_schema(parameters=[SubscriptionQuestionSerializer], responses={**A_FILE, **errors(400, 401, 429)})
)
class ListFile(AsFile, List):
    """The same as a file."""

    document = documents.LIST_FILE
