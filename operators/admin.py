"""The admin's pages that show more than one app knows: a customer's, and what an act will do."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse

from customer.admin import CustomerAdmin
from customer.models import Customer
from invoice import previews
from invoice.statements import BadCursor
from operators import customers
from subscription.admin import SubscriptionAdmin
from subscription.models import Subscription


def preview_top_up(customer: Customer, said: dict[str, Any]) -> list[str]:
    return previews.top_up(customer_id=customer.pk, amount=said["amount"]).lines()


def preview_adjustment(customer: Customer, said: dict[str, Any]) -> list[str]:
    return previews.adjust(customer_id=customer.pk, amount=said["amount"]).lines()


def preview_activation(subscription: Subscription, said: dict[str, Any]) -> list[str]:
    one = {"customer_id": subscription.customer_id, "subscription_id": subscription.pk}
    return previews.set_active(**one, isactive=True).lines()


def preview_deactivation(subscription: Subscription, said: dict[str, Any]) -> list[str]:
    one = {"customer_id": subscription.customer_id, "subscription_id": subscription.pk}
    return previews.set_active(**one, isactive=False).lines()


def preview_price(subscription: Subscription, said: dict[str, Any]) -> list[str]:
    one = {"customer_id": subscription.customer_id, "subscription_id": subscription.pk}
    return previews.change_price(**one, price=said["price"]).lines()


def preview_creation(nothing: None, said: dict[str, Any]) -> list[str]:
    ordered = {name: said[name] for name in ("name", "price", "isactive")}
    return previews.create(customer_id=said["customer"].pk, **ordered).lines()


PREVIEWS = {
    "top-up": preview_top_up,
    "adjust": preview_adjustment,
    "activate": preview_activation,
    "deactivate": preview_deactivation,
    "price": preview_price,
}

# The apps' own know nothing of what is billed.
admin.site.unregister(Customer)
admin.site.unregister(Subscription)


@admin.register(Customer)
class CustomerPage(CustomerAdmin):
    """A customer with all that they have and did."""

    acts = tuple(replace(act, preview=PREVIEWS[act.name]) for act in CustomerAdmin.acts)
    change_form_outer_before_template = "operators/customer.html"

    class Media:
        css = {"all": ("operators/customer.css",)}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        customer = self.get_object(request, unquote(object_id)) if request.method == "GET" else None
        if customer is not None and self.has_view_permission(request, customer):
            try:
                shown = customers.sections(request, customer, request.GET.get("statement"))
            except BadCursor as refusal:
                raise Http404(str(refusal)) from refusal
            extra_context = {"customer": shown, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)


@admin.register(Subscription)
class SubscriptionPage(SubscriptionAdmin):
    """A subscription, whose acts say what they will do."""

    acts = tuple(replace(act, preview=PREVIEWS[act.name]) for act in SubscriptionAdmin.acts)
    creation = replace(SubscriptionAdmin.creation, preview=preview_creation)
