"""Customers, their ledger, and the accounts that were set aside."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.forms import AdminPasswordChangeForm

from customer import accounts, customers
from customer.accounts import Event
from customer.admin_acts import Act
from customer.admin_base import DoorAdmin, ReadOnlyAdmin, may_touch
from customer.admin_forms import AdjustmentForm, CustomerChangeForm, CustomerCreationForm, TopUpForm
from customer.admin_lists import link
from customer.admin_log import DELETED
from customer.admin_operators import GroupAdmin, LogAdmin
from customer.errors import StillHasBooks, UsernameTaken
from customer.models import Customer, LedgerEntry, SetAside
from subscription_task.formats import times
from subscription_task.formats.sentences import sentence, shown

TOPPED_UP = sentence(gettext_noop("Topped up by %(amount)s; the credit is %(credit)s."))
ADJUSTED = sentence(gettext_noop("Adjusted by %(amount)s; the credit is %(credit)s."))
RETRIED = sentence(gettext_noop("Retried; it is set aside again if it still cannot be billed."))


def top_up(customer: Customer, *, amount: int, reason: str, by: Customer) -> tuple[Customer, str]:
    credit = accounts.top_up(customer_id=customer.pk, amount=amount, by=by, reason=reason)
    return customer, TOPPED_UP % {"amount": amount, "credit": credit}


def adjust(customer: Customer, *, amount: int, reason: str, by: Customer) -> tuple[Customer, str]:
    credit = accounts.adjust(customer_id=customer.pk, amount=amount, by=by, reason=reason)
    return customer, ADJUSTED % {"amount": f"{amount:+}", "credit": credit}


def latest_entry(customer: Customer, said: dict[str, Any]) -> str:
    """Where the ledger ends: whoever confirms has seen it all."""
    latest = LedgerEntry.objects.filter(account=customer.pk).aggregate(Max("pk"))["pk__max"]
    return f"entry {latest}"


def delete(customer: Customer, *, reason: str, by: Customer) -> tuple[Customer, str]:
    if LogEntry.objects.filter(user=customer).exists():  # they would go with the customer
        raise StillHasBooks(_("An operator whose acts are in the log stays; deactivate them instead."))
    customers.delete(customer_id=customer.pk, by=by)
    return customer, str(DELETED)


def retry(set_aside: SetAside, *, reason: str, by: Customer) -> tuple[SetAside, str]:
    accounts.retry(customer_id=set_aside.pk)
    return set_aside, str(RETRIED)


admin.site.register(LogEntry, LogAdmin)
admin.site.unregister(Group)
admin.site.register(Group, GroupAdmin)


@admin.register(Customer)
class CustomerAdmin(DoorAdmin, UserAdmin):
    """Customers by Django's forms; their money by acts.

    Staff are customers too: only a superuser gives privileges, and only a superuser touches those who have them.
    """

    acts = (
        Act(
            name="top-up",
            title=_("Top up"),
            icon="add_card",
            permission="customer.top_up_account",
            do=top_up,
            event=Event.TOP_UP,
            form=TopUpForm,
            seen=latest_entry,
            note=_("What was paused for want of credit resumes."),
        ),
        Act(
            name="adjust",
            title=_("Adjust credit"),
            icon="balance",
            permission="customer.adjust_account",
            do=adjust,
            event=Event.ADJUSTMENT,
            form=AdjustmentForm,
            seen=latest_entry,
            note=_("Puts a mistake right, with a ledger entry of its own. The credit cannot fall below 0."),
        ),
    )
    removal = Act(
        name="delete",
        title=_("Delete customer"),
        permission="customer.delete_customer",
        do=delete,
        event=Event.DELETION,
        flag=DELETION,
        note=_(
            "Only a customer without ledger entries and subscriptions can be deleted. Another can be deactivated,"
            " which closes the API to them; what they have running is billed on until it is switched off."
        ),
    )
    form = CustomerChangeForm
    change_password_form = AdminPasswordChangeForm
    add_form = CustomerCreationForm
    privileges = ("is_staff", "is_superuser", "groups", "user_permissions")
    account = ("settled_until", "set_aside")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email", "is_active")}),
        (_("Account"), {"fields": account}),
        (_("Privileges"), {"fields": privileges, "classes": ("collapse",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        (None, {"fields": ("first_name", "last_name", "email")}),
    )
    filter_horizontal = ()
    list_display = ("username", "first_name", "last_name", "credit", "is_active", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined")
    list_select_related = ("account",)
    ordering = ("-id",)
    search_fields = ("id", "username_folded__startswith", "first_name__istartswith", "last_name__istartswith")
    search_help_text = _("By id, or by how the username, the first or the last name begins.")
    sortable_by = ("username",)

    def customer_of(self, subject: Customer, said: dict[str, Any]) -> Customer:
        return subject

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> tuple[str, ...]:
        fixed = (*self.account, "last_login", "date_joined")
        return fixed if request.user.is_superuser else fixed + self.privileges

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_touch(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return (
            super().has_delete_permission(request, obj)
            and (obj is None or may_touch(request.user, obj))
            and obj != request.user
        )

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        if change:
            customers.save(obj)
        else:
            customers.add(obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Django's; a name that was taken since the form looked is an error, too."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except UsernameTaken as taken:
            self.message_user(request, str(taken), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.display(description=_("credit"))
    def credit(self, customer: Customer) -> int:
        return customer.account.credit

    @admin.display(description=_("settled until"))
    def settled_until(self, customer: Customer) -> str:
        return times.element(customer.account.settled_until)

    @admin.display(description=_("set aside"))
    def set_aside(self, customer: Customer) -> str:
        return link(customer.account.set_aside)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    why = _(
        "Why a credit moved. Ledger entries are never added, edited or deleted by hand: write an adjustment instead."
    )
    list_display = ("key", "customer", "kind", "amount", "at", "by", "reason")
    list_filter = ("kind", "at")
    list_select_related = ("account__customer", "by")
    fields = ("key", "customer", "kind", "amount", "at", "by", "reason")
    search_fields = ("id", "account")
    search_customer = "account"
    search_help_text = _("By the entry's id, or the customer's id or username.")

    @admin.display(description=_("customer"))
    def customer(self, entry: LedgerEntry) -> str:
        return link(entry.account.customer)


@admin.register(SetAside)
class SetAsideAdmin(ReadOnlyAdmin):
    acts = (
        Act(
            name="retry",
            title=_("Retry"),
            icon="refresh",
            permission="customer.retry_setaside",
            do=retry,
            event=None,
            flag=DELETION,
            note=_("Once its rows are mended. The account is then billed as if the scheduler had been late."),
        ),
    )
    why = _("Accounts that cannot be billed, and are closed to changes. Repair one, or mend its rows and retry it.")
    list_display = ("key", "customer", "what", "since")
    list_filter = ("since",)
    list_select_related = ("account__customer",)
    fields = ("customer", "what", "since")
    ordering = ("-since", "-pk")
    search_fields = ("account",)
    search_customer = "account"
    search_help_text = _("By the customer's id or username.")
    sortable_by = ("since",)

    def customer_of(self, subject: SetAside, said: dict[str, Any]) -> Customer:
        return subject.account.customer

    @admin.display(description=_("error"))
    def what(self, set_aside: SetAside) -> str:
        return shown(set_aside.error)

    @admin.display(description=_("customer"))
    def customer(self, set_aside: SetAside) -> str:
        return link(set_aside.account.customer)
