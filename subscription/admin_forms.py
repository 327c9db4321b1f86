"""The forms of the subscriptions' admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from customer.admin_acts import ActForm, AmountField
from customer.admin_lists import is_id
from customer.models import Customer
from subscription.models import Subscription


class CustomerSelect(AutocompleteSelect):
    """Django's looks up whatever was posted, and fails on what is no id."""

    def optgroups(self, name: str, value: list[Any], attr: dict[str, Any] | None = None) -> list:
        return super().optgroups(name, [each for each in value if is_id(str(each))], attr)


class CreationForm(ActForm):
    """What is ordered, and for whom."""

    customer = forms.ModelChoiceField(
        Customer.objects.all(),
        label=_("Customer"),
        widget=CustomerSelect(Subscription._meta.get_field("customer"), admin.site),
    )
    name = forms.CharField(label=_("Name"), max_length=32, widget=UnfoldAdminTextInputWidget)
    price = AmountField(label=_("Price"))
    isactive = forms.BooleanField(label=_("Active"), initial=True, required=False, widget=UnfoldBooleanSwitchWidget)
    field_order = ("customer", "name", "price", "isactive", "reason")


class PriceForm(ActForm):
    """The price from now on."""

    price = AmountField(label=_("Price"))
    field_order = ("price", "reason")


class LatestFormSet(PaginationInlineFormSet):
    """The first rows of an inline, which has no pages."""

    MOST = 20

    def get_queryset(self) -> QuerySet[Any]:
        if not hasattr(self, "_latest"):
            self._latest = super().get_queryset()[: self.MOST]
        return self._latest
