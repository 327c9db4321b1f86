"""Subscriptions, with the pauses of their jobs and the prices they had."""

from itertools import groupby
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import localize

from customer import accounts
from customer.accounts import Event
from customer.admin_base import Act, DoorAdmin, ReadOnlyAdmin, log
from customer.errors import CustomerError
from customer.models import Customer
from subscription import subscriptions
from subscription.admin_forms import CreationForm, LatestFormSet, PriceForm, SwitchForm
from subscription.errors import SubscriptionError
from subscription.models import Pause, PriceChange, Subscription


def create(_: None, *, reason: str, by: Customer, **ordered: Any) -> tuple[Subscription, str]:
    subscription = subscriptions.create(by=by, **ordered)
    return subscription, f"Created at a price of {subscription.price}."


def change_price(subscription: Subscription, *, price: int, reason: str, by: Customer) -> tuple[Subscription, str]:
    changed = subscriptions.change_price(
        customer_id=subscription.customer_id, subscription_id=subscription.pk, price=price, by=by
    )
    return changed, f"The price is {price}."


def delete(subscription: Subscription, *, reason: str, by: Customer) -> tuple[Subscription, str]:
    subscriptions.delete(customer_id=subscription.customer_id, subscription_id=subscription.pk, by=by)
    return subscription, "Deleted."


class PausedBecause(admin.SimpleListFilter):
    """Why the job is paused, if it is."""

    title = "paused because"
    parameter_name = "paused_because"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("running", "Running"), *Pause.Reason.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "running":
            return queryset.filter(next_invoice_at__isnull=False)
        if self.value() in Pause.Reason:
            return queryset.filter(next_invoice_at=None, isactive=self.value() == Pause.Reason.INSUFFICIENT_CREDIT)
        return queryset


class ReadOnlyInline(admin.TabularInline):
    """The latest rows; the list of all of them has the others."""

    extra = 0
    formset = LatestFormSet
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related(*self.people)


class PauseInline(ReadOnlyInline):
    model = Pause
    people = ("paused_by", "resumed_by")
    verbose_name_plural = "latest pauses"


class PriceChangeInline(ReadOnlyInline):
    model = PriceChange
    people = ("by",)
    verbose_name_plural = "latest price changes"


@admin.register(Subscription)
class SubscriptionAdmin(DoorAdmin):
    """Subscriptions, whose every change is an act."""

    acts = (
        Act(
            name="price",
            title="Change price",
            permission="subscription.change_subscription",
            do=change_price,
            event=Event.PRICE_CHANGE,
            form=PriceForm,
            note="Invoices from now on have the new price.",
        ),
    )
    creation = Act(
        name="add",
        title="Add subscription",
        permission="subscription.add_subscription",
        do=create,
        event=Event.CREATION,
        form=CreationForm,
        flag=ADDITION,
        note="Its first invoice comes one period later.",
    )
    removal = Act(
        name="delete",
        title="Delete subscription",
        permission="subscription.delete_subscription",
        do=delete,
        event=Event.DELETION,
        flag=DELETION,
        note="Its job and its records go with it. Once it has invoices it stays: deactivate it instead.",
    )
    refusals = (CustomerError, SubscriptionError)
    actions = ("activate", "deactivate")
    action_form = SwitchForm
    list_display = ("id", "name", "customer", "price", "period", "isactive", "next_invoice", "why_paused")
    list_filter = ("isactive", PausedBecause)
    list_select_related = ("customer",)
    fields = ("customer", "name", "price", "period", "isactive", "created_at", "next_invoice", "why_paused")
    inlines = (PauseInline, PriceChangeInline)
    search_fields = ("id", "customer", "name__istartswith")
    search_customer = "customer"
    search_help_text = "By id, by how the name begins, or by the customer's id or username."

    def account_of(self, subject: Subscription | None, said: dict[str, Any]) -> int:
        return said["customer"].pk if subject is None else subject.customer_id

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).with_next_invoice()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody edits the row: there are acts."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_switch_permission(request)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Who may (de)activate."""
        return request.user.has_perm("subscription.change_subscription")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.act_page(request, self.creation, None)

    @admin.display(description="next invoice")
    def next_invoice(self, subscription: Subscription) -> str:
        return localize(subscription.next_invoice_at) or "-"

    @admin.display(description="paused because")
    def why_paused(self, subscription: Subscription) -> str:
        because = subscription.paused_because
        return Pause.Reason(because).label if because else "-"

    @admin.action(description="Activate", permissions=["switch"])
    def activate(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._switch(request, queryset, isactive=True)

    @admin.action(description="Deactivate", permissions=["switch"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._switch(request, queryset, isactive=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet, *, isactive: bool) -> None:
        """Switches those that are not so yet, one account after the other; one that refuses stops none of the rest."""
        done = "Activated." if isactive else "Deactivated."
        others = queryset.exclude(isactive=isactive).order_by("customer_id", "pk")
        count = 0
        for customer, of_customer in groupby(others, key=attrgetter("customer")):
            chosen = list(of_customer)
            try:
                self._switch_those_of(request, customer, chosen, isactive=isactive, done=done)
            except self.refusals as refusal:
                self.message_user(request, f"{customer}: {refusal}", messages.ERROR)
            else:
                count += len(chosen)
        self.message_user(request, f"{done} {count} of the chosen subscriptions changed.", messages.SUCCESS)

    def _switch_those_of(
        self, request: HttpRequest, customer: Customer, chosen: list[Subscription], *, isactive: bool, done: str
    ) -> None:
        event = Event.ACTIVATION if isactive else Event.DEACTIVATION
        with accounts.door(customer.pk, event=event, by=request.user):
            for subscription in chosen:
                subscriptions.set_active(
                    customer_id=customer.pk, subscription_id=subscription.pk, isactive=isactive, by=request.user
                )
            log(request, chosen, CHANGE, done, request.POST.get("reason", ""))


@admin.register(Pause)
class PauseAdmin(ReadOnlyAdmin):
    why = "What was never billed, and why. Billing is proved with these records, so nobody edits them."
    list_display = (
        *("id", "subscription", "withheld_from", "paused_at", "paused_because", "paused_on", "paused_by"),
        *("restored_from", "resumed_at", "resumed_on", "resumed_by"),
    )
    list_filter = ("paused_because", "paused_on")
    list_select_related = ("subscription", "paused_by", "resumed_by")
    search_fields = ("id", "subscription")
    search_customer = "subscription__customer"
    search_help_text = "By the pause's or the subscription's id, or the customer's username."


@admin.register(PriceChange)
class PriceChangeAdmin(ReadOnlyAdmin):
    why = "The prices of the past. Invoices are proved with these records, so nobody edits them."
    list_display = ("id", "subscription", "at", "previous", "price", "by")
    list_select_related = ("subscription", "by")
    search_fields = ("id", "subscription")
    search_customer = "subscription__customer"
    search_help_text = "By the change's or the subscription's id, or the customer's username."
