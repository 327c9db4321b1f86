"""The lists of the admin, which stay fast over tables of any size, and links between them."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import DateTimeField, ManyToManyField, Model, Q, QuerySet
from django.forms import Field
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from unfold.admin import ModelAdmin
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from customer import admin_export
from customer.admin_log import DELETED, in_words, log, what
from customer.models import Customer, fold
from subscription_task.formats import letters, numbers, times
from subscription_task.formats.sentences import sentence, shown

for _permission in (
    gettext_noop("Can top up an account"),
    gettext_noop("Can adjust the credit of an account"),
    gettext_noop("Can retry an account set aside"),
    gettext_noop("Can repair an account set aside"),
    gettext_noop("Can activate and deactivate subscriptions"),
    gettext_noop("Can change the price of a subscription"),
    gettext_noop("Can add %(rest)s"),
    gettext_noop("Can change %(rest)s"),
    gettext_noop("Can delete %(rest)s"),
    gettext_noop("Can view %(rest)s"),
):
    sentence(_permission)


class WhenFilter(admin.DateFieldListFilter):
    """Django's, whose month and year are those of the language's calendar."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        today = timezone.now().date()
        spans = {_("This month"): times.month_of(today), _("This year"): times.year_of(today)}
        self.links = tuple(
            (title, self._between(*spans[title]) if title in spans else sought) for title, sought in self.links
        )

    def _between(self, first: date, end: date) -> dict[str, str]:
        """From the beginning of one day, UTC, up to that of another."""
        begins, ends = (datetime.combine(day, time.min, UTC) for day in (first, end))
        return {self.lookup_kwarg_since: str(begins), self.lookup_kwarg_until: str(ends)}


admin.FieldListFilter.register(lambda field: isinstance(field, DateTimeField), WhenFilter, take_priority=True)


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
    sortable_by = ("key",)
    object_history_template = "customer/admin/history.html"

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """Django's, with what was done in the language of the page."""
        answer = super().history_view(request, object_id, extra_context)
        for entry in getattr(answer, "context_data", {}).get("action_list", ()):
            entry.what = what(entry)
        return answer

    @admin.display(description=gettext_lazy("ID"), ordering="pk")
    def key(self, row: Model) -> str:
        """The id in ASCII digits, as it is searched for, and as all else writes it."""
        return str(row.pk)

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
            return HttpResponseBadRequest(_("This filter makes no sense."))
        columns = [column for column in changelist.list_display if column != "action_checkbox"]
        return admin_export.answer(request, self, changelist.queryset, columns)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return BoundedChangeList

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **options: Any) -> Field:
        """One box of what is chosen: unfold's pair of boxes is wider than many screens."""
        field = super().formfield_for_manytomany(db_field, request, **options)
        field.widget = UnfoldAdminSelect2MultipleWidget(choices=field.choices)
        field.help_text = db_field.help_text
        if db_field.related_model is Permission:
            field.label_from_instance = permission_label
            field.widget.choices = field.choices
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
            if field.endswith("__exact"):
                wanted |= Q(**{field: numbers.plain(term) if is_id(term) else term})
            elif "__" in field:
                for said in letters.spellings(term):
                    wanted |= Q(**{field: fold(said) if field.startswith("username_folded") else said})
            elif is_id(term):
                wanted |= Q(**{field: int(term)})
        if self.search_customer:
            names = {fold(said) for said in letters.spellings(term)}
            named = Customer.objects.filter(username_folded__in=names).values_list("pk", flat=True)
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
        log(request, list(queryset), DELETION, str(DELETED))


def permission_label(permission: Permission) -> str:
    """A permission in the language of the page; in the database its name is English."""
    return f"{permission.content_type} | {shown(permission.name)}"


def is_id(text: str) -> bool:
    """Whether the text can be asked for as an id: digits of any language, and not more of them than 64 bits hold."""
    return text.isdecimal() and len(text) <= 18


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
