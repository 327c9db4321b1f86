"""The operators' site: unfold's admin under our name, with its URLs for AnyOfOurPaths to resolve."""

from typing import Any

from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.http import Http404, HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.sites import UnfoldAdminSite

from subscription_task.formats.admin import hook_in

# title, icon, model, and what shows it: a permission, or "" for superusers alone
ENTRIES = (
    (gettext_lazy("Customers"), "group", "customer_customer", "customer.view_customer"),
    (gettext_lazy("Subscriptions"), "autorenew", "subscription_subscription", "subscription.view_subscription"),
    (gettext_lazy("Invoices"), "receipt_long", "invoice_invoice", "invoice.view_invoice"),
    (gettext_lazy("Ledger"), "account_balance", "customer_ledgerentry", "customer.view_ledgerentry"),
)
RECORDS = (
    (gettext_lazy("Pauses"), "pause_circle", "subscription_pause", "subscription.view_pause"),
    (gettext_lazy("Price changes"), "sell", "subscription_pricechange", "subscription.view_pricechange"),
)
OPERATIONS = (
    (gettext_lazy("Schedule"), "schedule", "django_apscheduler_djangojob", "django_apscheduler.view_djangojob"),
    (gettext_lazy("Accounts set aside"), "report", "customer_setaside", "customer.view_setaside"),
    (gettext_lazy("Operators' log"), "history", "admin_logentry", "admin.view_logentry"),
    (gettext_lazy("Groups"), "admin_panel_settings", "auth_group", ""),
)
SECTIONS = (
    (gettext_lazy("Billing"), ENTRIES),
    (gettext_lazy("Records"), RECORDS),
    (gettext_lazy("Operations"), OPERATIONS),
)


class BillingSite(UnfoldAdminSite):
    """The admin, in which unknown paths stay unknown: its catch-all would match every path without its slash."""

    index_title = gettext_lazy("Dashboard")
    index_template = "operators/dashboard.html"
    final_catch_all_view = False

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Unfold's, whose one page of results is enough: another, or what is no number, would be its error 500."""
        if request.GET.get("page", "1") != "1":
            raise Http404(_("There is no such page."))
        return super().search(request, extra_context)


class BillingAdminConfig(AdminConfig):
    """Puts BillingSite in the place of Django's site."""

    default_site = "subscription_task.admin.BillingSite"

    def ready(self) -> None:
        super().ready()
        hook_in()


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: what this operator may see."""
    dashboard = {"title": _("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")}
    sections = [{"title": title, "items": _items(request, entries)} for title, entries in SECTIONS]
    return [{"items": [dashboard]}, *(section for section in sections if section["items"])]


def environment(request: HttpRequest) -> list[str] | None:
    """The label of a server that is not for production, and its colour."""
    return [_("Development"), "warning"] if settings.DEBUG else None


def favicon(request: HttpRequest) -> str:
    """The icon of the browser's tab."""
    return static("operators/favicon.svg")


def style(request: HttpRequest) -> str:
    """What is added to unfold's style, on every page."""
    return static("operators/admin.css")


def script(request: HttpRequest) -> str:
    """What is added to unfold's scripts, on every page."""
    return static("operators/admin.js")


def _items(request: HttpRequest, entries: tuple[tuple[str, str, str, str], ...]) -> list[dict[str, Any]]:
    user = request.user
    return [
        {"title": title, "icon": icon, "link": reverse(f"admin:{model}_changelist")}
        for title, icon, model, permission in entries
        if user.is_superuser or (permission and user.has_perm(permission))
    ]
