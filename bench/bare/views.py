from django.contrib.auth.hashers import make_password
from django.db.models import F
from django.utils import timezone
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customer.models import Account, Customer
from invoice.models import Invoice
from subscription.models import Subscription


class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        fields = ("id", "username", "password", "first_name", "last_name")
        extra_kwargs = {"username": {"validators": []}, "password": {"write_only": True}}


class AccountSerializer(serializers.ModelSerializer):
    class Meta:
        model = Account
        fields = ("invoice_count", "invoice_total")


class AmountSerializer(serializers.Serializer):
    credit = serializers.IntegerField()


class SwitchSerializer(serializers.Serializer):
    isactive = serializers.BooleanField()


class SubscriptionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Subscription
        fields = ("id", "name", "price", "period", "isactive", "created_at")
        read_only_fields = ("period", "created_at")


class InvoiceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Invoice
        fields = ("id", "customer", "subscription", "amount", "start_time", "end_time")


class Register(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        said = CustomerSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        customer = Customer(**said.validated_data)
        customer.password = make_password(customer.password)
        customer.save(force_insert=True)
        return Response(CustomerSerializer(customer).data, status=201)


class IncreaseCredit(APIView):
    def put(self, request: Request) -> Response:
        said = AmountSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        Account.objects.filter(pk=request.user.pk).update(credit=F("credit") + said.validated_data["credit"])
        return Response(said.data)


class Create(APIView):
    def post(self, request: Request) -> Response:
        said = SubscriptionSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        subscription = Subscription.objects.create(
            customer=request.user, period=600, created_at=timezone.now(), **said.validated_data
        )
        return Response(SubscriptionSerializer(subscription).data, status=201)


class EditActivation(APIView):
    def put(self, request: Request, subid: int) -> Response:
        said = SwitchSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        Subscription.objects.filter(pk=subid).update(**said.validated_data)
        return Response(said.data)


class Subscriptions(APIView):
    def get(self, request: Request) -> Response:
        found = Subscription.objects.filter(customer=request.user)[:1]
        return Response({"subscriptions": SubscriptionSerializer(found, many=True).data})


class Invoices(APIView):
    def get(self, request: Request) -> Response:
        found = Invoice.objects.filter(customer=request.user)[:1]
        return Response({"invoices": InvoiceSerializer(found, many=True).data})


class Statistics(APIView):
    def get(self, request: Request) -> Response:
        return Response(AccountSerializer(Account.objects.get(pk=request.user.pk)).data)
