from functools import partial

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from customer import accounts, customers, documents, idempotency
from customer.accounts import Event
from customer.errors import WrongPassword
from customer.permissions import SelfServiceTopUp
from customer.serializers import (
    AccessSerializer,
    CreditSerializer,
    LoginSerializer,
    PasswordChangeSerializer,
    ProfileSerializer,
    RefreshSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
    TokensSerializer,
    TopUpSerializer,
)
from customer.throttling import FailedLogins
from customer.tokens import RefreshToken
from subscription_task.http.answers import shown
from subscription_task.http.documents import IDEMPOTENCY_KEY, errors


class Register(APIView):
    """Registers a customer."""

    document = documents.REGISTER
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(auth=[], request=RegistrationSerializer, responses={201: RegisteredSerializer, **errors(400, 429)})
    def post(self, request: Request) -> Response:
        said = RegistrationSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        customer = customers.register(**said.validated_data)
        answer = shown(RegisteredSerializer, {"customer": customer, "message": _("Customer registered.")})
        return Response(answer, status=status.HTTP_201_CREATED)


class Login(TokenObtainPairView):
    """Gives an access token for 30 minutes, and a refresh token."""

    document = documents.LOG_IN
    serializer_class = LoginSerializer
    throttle_classes = (FailedLogins,)

    @extend_schema(auth=[], responses={200: TokensSerializer, **errors(400, 401, 429)})
    def post(self, request: Request, *args: object, **kwargs: object) -> Response:
        throttle = FailedLogins()
        try:
            tokens = super().post(request, *args, **kwargs)
        except AuthenticationFailed:
            if not throttle.count(request):
                raise Throttled(wait=throttle.wait()) from None
            raise
        if not throttle.succeeded(request):
            raise Throttled(wait=throttle.wait())
        return tokens


class Refresh(TokenRefreshView):
    """Gives a new access token for a refresh token, as often as asked until that expires."""

    document = documents.REFRESH
    serializer_class = RefreshSerializer

    @extend_schema(auth=[], responses={200: AccessSerializer, **errors(400, 401, 429)})
    def post(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().post(request, *args, **kwargs)


class Profile(APIView):
    """Who the customer is, and what is left."""

    document = documents.PROFILE

    @extend_schema(responses={200: ProfileSerializer, **errors(401, 429)})
    def get(self, request: Request) -> Response:
        return Response(shown(ProfileSerializer, request.user))


class Password(APIView):
    """Changes the password. All tokens given before end; the answer has new ones."""

    document = documents.PASSWORD

    @extend_schema(request=PasswordChangeSerializer, responses={200: TokensSerializer, **errors(400, 401, 429)})
    def put(self, request: Request) -> Response:
        customer, throttle = request.user, FailedLogins()
        said = PasswordChangeSerializer(data=request.data, context={"customer": customer})
        said.is_valid(raise_exception=True)
        if throttle.too_many(request, customer.username):
            raise Throttled(wait=throttle.wait())
        old, new = said.validated_data["old_password"], said.validated_data["new_password"]
        try:
            customers.change_password(customer, old=old, new=new)
        except WrongPassword:
            if not throttle.count(request, customer.username):
                raise Throttled(wait=throttle.wait()) from None
            raise
        refresh = RefreshToken.for_user(customer)
        return Response(shown(TokensSerializer, {"access": str(refresh.access_token), "refresh": str(refresh)}))


class IncreaseCredit(APIView):
    """Adds to the customer's credit; what was paused for want of it resumes."""

    document = documents.INCREASE_CREDIT
    permission_classes = (IsAuthenticated, SelfServiceTopUp)

    @extend_schema(
        request=TopUpSerializer,
        parameters=IDEMPOTENCY_KEY,
        responses={200: CreditSerializer, **errors(400, 401, 403, 409, 422, 429, 503)},
    )
    def put(self, request: Request) -> Response:
        return idempotency.once(request, Event.TOP_UP, partial(self._top_up, request))

    def _top_up(self, request: Request) -> Response:
        said = TopUpSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        customer = request.user
        credit = accounts.top_up(customer_id=customer.pk, amount=said.validated_data["credit"], by=customer)
        return Response(shown(CreditSerializer, {"credit": credit}))
