"""The forms of the customers' admin."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from customer.admin_acts import ActForm, AmountField
from customer.admin_shown import ShownForm
from customer.errors import UsernameTaken
from customer.models import Customer, fold
from customer.throttling import FailedLogins
from subscription_task.http.fields import MAX_MONEY


class LoginForm(AuthenticationForm):
    """The admin's login, throttled with the API's: ten failures a minute for one name from one address."""

    def clean(self) -> dict[str, Any]:
        throttle, username = FailedLogins(), self.cleaned_data.get("username") or ""
        refusal = forms.ValidationError(_("Too many failed logins. Please try again in a minute."))
        if throttle.too_many(self.request, username):
            raise refusal
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            if not throttle.count(self.request, username):
                raise refusal from None
            raise
        if not throttle.succeeded(self.request, username):
            raise refusal
        return cleaned


class _OneOfItsName:
    """A username is unique without regard to case."""

    def clean_username(self) -> str:
        username = self.cleaned_data["username"]
        namesakes = Customer.objects.filter(username_folded=fold(username)).exclude(pk=self.instance.pk)
        if namesakes.exists():
            raise forms.ValidationError(str(UsernameTaken()))
        return username


class CustomerCreationForm(_OneOfItsName, UserCreationForm):
    """A new customer."""


class CustomerChangeForm(_OneOfItsName, ShownForm, UserChangeForm):
    """A customer, without the money."""


class TopUpForm(ActForm):
    """What is put in."""

    amount = AmountField(label=_("Amount"))
    field_order = ("amount", "reason")


class AdjustmentForm(ActForm):
    """What is put in or, below 0, taken out; and why, always."""

    amount = AmountField(
        min_value=-MAX_MONEY,
        label=_("Amount"),
        help_text=_("A whole number, in the smallest unit of money; below 0 it is taken out of the credit."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)
    field_order = ("amount", "reason")

    def clean_amount(self) -> int:
        amount = self.cleaned_data["amount"]
        if amount == 0:
            raise forms.ValidationError(_("An adjustment is never 0."))
        return amount
