"""Subscriptions, with the pauses of their jobs and the prices they had."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, DELETION
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.admin import TabularInline

from customer.accounts import Event
from customer.admin_acts import Act
from customer.admin_base import ReadOnlyAdmin
from customer.admin_log import DELETED
from customer.errors import CustomerError
from customer.models import Customer
from subscription import subscriptions
from subscription.admin_forms import CreationForm, LatestFormSet, PriceForm
from subscription.admin_switch import ACTIVATE, DEACTIVATE, SwitchingAdmin
from subscription.errors import SubscriptionError
from subscription.models import Pause, PriceChange, Subscription
from subscription_task.formats import times
from subscription_task.formats.sentences import sentence

CREATED = sentence(gettext_noop("Created at a price of %(price)s."))
REPRICED = sentence(gettext_noop("The price is %(price)s."))


def create(nothing: None, *, reason: str, by: Customer, **ordered: Any) -> tuple[Subscription, str]:
    subscription = subscriptions.create(by=by, **ordered)
    return subscription, CREATED % {"price": subscription.price}


def present_price(subscription: Subscription, said: dict[str, Any]) -> str:
    """What the price is: whoever confirms another has seen it."""
    return f"price {Subscription.objects.values_list('price', flat=True).get(pk=subscription.pk)}"


def latest_order(nothing: None, said: dict[str, Any]) -> str:
    """Where the customer's subscriptions end: whoever confirms one more has seen them all."""
    latest = Subscription.objects.of(said["customer"]).aggregate(Max("pk"))["pk__max"]
    return f"subscription {latest}"


def change_price(subscription: Subscription, *, price: int, reason: str, by: Customer) -> tuple[Subscription, str]:
    changed = subscriptions.change_price(
        customer_id=subscription.customer_id, subscription_id=subscription.pk, price=price, by=by
    )
    return changed, REPRICED % {"price": price}


def delete(subscription: Subscription, *, reason: str, by: Customer) -> tuple[Subscription, str]:
    subscriptions.delete(customer_id=subscription.customer_id, subscription_id=subscription.pk, by=by)
    return subscription, str(DELETED)


class PausedBecause(admin.SimpleListFilter):
    """Why the job is paused, if it is."""

    title = _("paused because")
    parameter_name = "paused_because"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("running", _("Running")), *Pause.Reason.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """By the open pauses, for which there is an index; by the jobs it would be a look at each."""
        paused = Pause.objects.filter(restored_from=None).values("subscription_id")
        match self.value():
            case "running":
                return queryset.filter(isactive=True).exclude(pk__in=paused)
            case Pause.Reason.DEACTIVATED:
                return queryset.filter(isactive=False)
            case Pause.Reason.INSUFFICIENT_CREDIT:
                return queryset.filter(isactive=True, pk__in=paused)
        return queryset


class ReadOnlyInline(TabularInline):
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
    verbose_name_plural = _("latest pauses")


class PriceChangeInline(ReadOnlyInline):
    model = PriceChange
    people = ("by",)
    verbose_name_plural = _("latest price changes")


@admin.register(Subscription)
class SubscriptionAdmin(SwitchingAdmin):
    """Subscriptions, whose every change is an act."""

    acts = (
        ACTIVATE,
        DEACTIVATE,
        Act(
            name="price",
            title=_("Change price"),
            icon="sell",
            permission="subscription.change_price",
            do=change_price,
            event=Event.PRICE_CHANGE,
            form=PriceForm,
            seen=present_price,
            note=_("Invoices from now on have the new price."),
        ),
    )
    creation = Act(
        name="add",
        title=_("Add subscription"),
        permission="subscription.add_subscription",
        do=create,
        event=Event.CREATION,
        form=CreationForm,
        seen=latest_order,
        flag=ADDITION,
        note=_("Its first invoice comes one period later."),
    )
    removal = Act(
        name="delete",
        title=_("Delete subscription"),
        permission="subscription.delete_subscription",
        do=delete,
        event=Event.DELETION,
        flag=DELETION,
        note=_("Its job and its records go with it. Once it has invoices it stays: deactivate it instead."),
    )
    refusals = (CustomerError, SubscriptionError)
    list_display = ("key", "name", "customer", "price", "period", "isactive", "next_invoice", "why_paused")
    list_filter = ("isactive", PausedBecause, "created_at")
    list_select_related = ("customer",)
    fields = ("customer", "name", "price", "period", "isactive", "created_at", "next_invoice", "why_paused")
    inlines = (PauseInline, PriceChangeInline)
    search_fields = ("id", "customer", "name__istartswith")
    search_customer = "customer"
    search_help_text = _("By id, by how the name begins, or by the customer's id or username.")

    def customer_of(self, subject: Subscription | None, said: dict[str, Any]) -> Customer:
        return said["customer"] if subject is None else subject.customer

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).with_next_invoice().select_related("customer")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody edits the row: there are acts."""
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.act_page(request, self.creation, None)

    @admin.display(description=_("next invoice"))
    def next_invoice(self, subscription: Subscription) -> str:
        return times.element(subscription.next_invoice_at)

    @admin.display(description=_("paused because"))
    def why_paused(self, subscription: Subscription) -> str:
        because = subscription.paused_because
        return Pause.Reason(because).label if because else "-"


@admin.register(Pause)
class PauseAdmin(ReadOnlyAdmin):
    why = _("What was never billed, and why. Billing is proved with these records, so nobody edits them.")
    list_display = (
        *("key", "subscription", "withheld_from", "paused_at", "paused_because", "paused_on", "paused_by"),
        *("restored_from", "resumed_at", "resumed_on", "resumed_by"),
    )
    list_filter = ("paused_because", "paused_on", "paused_at")
    list_select_related = ("subscription", "paused_by", "resumed_by")
    search_fields = ("id", "subscription")
    search_customer = "subscription__customer"
    search_help_text = _("By the pause's or the subscription's id, or the customer's username.")


@admin.register(PriceChange)
class PriceChangeAdmin(ReadOnlyAdmin):
    why = _("The prices of the past. Invoices are proved with these records, so nobody edits them.")
    list_display = ("key", "subscription", "at", "previous", "price", "by")
    list_filter = ("at",)
    list_select_related = ("subscription", "by")
    search_fields = ("id", "subscription")
    search_customer = "subscription__customer"
    search_help_text = _("By the change's or the subscription's id, or the customer's username.")
