"""The lists of the admin, which stay fast over tables of any size, and links between them."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import ManyToManyField, Model, Q, QuerySet
from django.forms import Field
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from customer import admin_export
from customer.admin_log import in_words, log
from customer.models import Customer, fold


class BoundedPaginator(Paginator):
    """Counts to 10,000 and no further, since a count of all invoices takes minutes: search or filter for the rest.

    In the list's order: what a filter by date lets through lies together at the end where the list begins.
    """

    MOST = 10_000
    template_name = "customer/admin/pagination.html"

    @cached_property
    def count(self) -> int:
        return self.object_list.values("pk")[: self.MOST].count()


class BoundedChangeList(ChangeList):
    """A list whose count stands below it, where it can say that there may be more."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count


class ListAdmin(ModelAdmin):
    """A list by id, newest first, that is searched by what indexes serve.

    A number is looked for in those `search_fields` that name a column, any text in those that name a lookup, and a
    username through the column `search_customer`. There is no bulk deletion.
    """

    search_customer = ""
    list_per_page = 50
    ordering = ("-id",)
    paginator = BoundedPaginator
    change_list_template = "customer/admin/change_list.html"
    show_full_result_count = False
    sortable_by = ("id",)

    def get_urls(self) -> list:
        return [
            path(
                "export/",
                self.admin_site.admin_view(self.export_view),
                name=f"{self.opts.app_label}_{self.opts.model_name}_export",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Django's, with the way to the same rows as CSV."""
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
        query = request.GET.urlencode()
        export = {"export_url": f"{url}?{query}" if query else url}
        return super().changelist_view(request, {**export, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list shows under the same query, all pages of it, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseBadRequest("This filter makes no sense.")
        columns = [column for column in changelist.list_display if column != "action_checkbox"]
        return admin_export.answer(request, self, changelist.queryset, columns)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return BoundedChangeList

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **options: Any) -> Field:
        """One box of what is chosen: unfold's pair of boxes is wider than many screens."""
        field = super().formfield_for_manytomany(db_field, request, **options)
        field.widget = UnfoldAdminSelect2MultipleWidget(choices=field.choices)
        field.help_text = db_field.help_text
        return field

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

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Django's, with where it came from."""
        log(request, [obj], ADDITION, in_words(message))

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Django's, with where it came from."""
        log(request, [obj], CHANGE, in_words(message))

    def log_deletions(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Django's, with where it came from."""
        log(request, list(queryset), DELETION, "Deleted.")


def is_id(text: str) -> bool:
    """Whether the text can be asked for as an id: digits, and not more of them than 64 bits hold."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


def link(subject: Model) -> str:
    """A link to the page of an object."""
    return link_to(f"{subject._meta.app_label}_{subject._meta.model_name}", subject.pk, str(subject))


def link_to(model: str, pk: Any, text: str) -> str:
    """A link to the page of the `model`, such as `customer_customer`, with that key."""
    return link_by(link_address(model, pk), text)


def link_address(model: str, pk: Any) -> str:
    """The page of the `model`, such as `customer_customer`, with that key."""
    return reverse(f"admin:{model}_change", args=[quote(pk)])


def link_by(url: str, text: str) -> str:
    """A link to an address of ours."""
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)
