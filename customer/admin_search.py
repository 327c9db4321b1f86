"""The search that is at hand on every page of the admin: it finds customers."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from customer.admin_lists import link_address
from customer.models import Customer

MOST = 10


def customers(request: HttpRequest, term: str) -> list[SearchResult]:
    """The newest customers that the list would find, if this operator may see that list."""
    listed = admin.site.get_model_admin(Customer)
    if not listed.has_view_permission(request):
        return []
    found, _distinct = listed.get_search_results(request, Customer.objects.all(), term)
    return [
        SearchResult(
            title=customer.username,
            description=_("Customer %(id)d %(name)s") % {"id": customer.pk, "name": customer.get_full_name()},
            link=link_address("customer_customer", customer.pk),
            icon="person",
        )
        for customer in found.order_by("-id")[:MOST]
    ]
