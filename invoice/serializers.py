from rest_framework import serializers

from invoice.models import Invoice
from subscription_task.http.fields import MoneyField


class InvoiceSerializer(serializers.ModelSerializer):
    """One charge; `customer` and `subscription` are ids."""

    amount = MoneyField(read_only=True)

    class Meta:
        model = Invoice
        fields = ("id", "customer", "subscription", "amount", "start_time", "end_time")
        read_only_fields = fields


class StatisticsSerializer(serializers.Serializer):
    """All of a customer's invoices in two numbers."""

    number_of_invoices = serializers.IntegerField(source="invoice_count", min_value=0)
    total_cost_amount = MoneyField(source="invoice_total")
