"""The lists of the admin, which stay fast over tables of any size, and links between them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from customer.models import Customer, fold


class BoundedPaginator(Paginator):
    """Counts to 10,000 and no further, since a count of all invoices takes minutes: search or filter for the rest."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by().values("pk")[: self.MOST].count()


class ListAdmin(admin.ModelAdmin):
    """A list by id, newest first, that is searched by what indexes serve.

    A number is looked for in those `search_fields` that name a column, any text in those that name a lookup, and a
    username through the column `search_customer`. There is no bulk deletion.
    """

    search_customer = ""
    list_per_page = 50
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False
    sortable_by = ("id",)

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Django's own search casts ids to text and joins customers in an OR, which no index serves."""
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        wanted = Q(pk__in=[])
        for field in self.search_fields:
            if "__" in field:
                wanted |= Q(**{field: fold(term) if field.startswith("username_folded") else term})
            elif is_id(term):
                wanted |= Q(**{field: int(term)})
        if self.search_customer:
            named = Customer.objects.filter(username_folded=fold(term)).values_list("pk", flat=True)
            wanted |= Q(**{f"{self.search_customer}__in": list(named)})
        return queryset.filter(wanted), False


def is_id(text: str) -> bool:
    """Whether the text can be asked for as an id: digits, and not more of them than 64 bits hold."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


def link(subject: Model) -> str:
    """A link to the page of an object."""
    return link_to(f"{subject._meta.app_label}_{subject._meta.model_name}", subject.pk, str(subject))


def link_to(model: str, pk: Any, text: str) -> str:
    """A link to the page of the `model`, such as `customer_customer`, with that key."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{model}_change", args=[quote(pk)]), text)
