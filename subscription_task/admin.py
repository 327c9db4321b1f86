"""The operators' site: Django's admin under our name, with its URLs for AnyOfOurPaths to resolve."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.utils.functional import cached_property


class BillingSite(AdminSite):
    """The admin, in which unknown paths stay unknown: its catch-all would match every path without its slash."""

    site_header = "Billing"
    site_title = "Billing"
    index_title = "Customers, subscriptions and their books"
    site_url = None  # the API has no pages
    final_catch_all_view = False

    @cached_property
    def login_form(self) -> type:
        from customer.admin_forms import LoginForm  # models cannot be imported before the apps are ready

        return LoginForm


class BillingAdminConfig(AdminConfig):
    """Puts BillingSite in the place of Django's site."""

    default_site = "subscription_task.admin.BillingSite"
