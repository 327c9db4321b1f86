"""What operators may do, and what they did: the groups and the log."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangosGroupAdmin
from django.db.models import Model
from django.http import HttpRequest

from customer.admin_base import ReadOnlyAdmin
from customer.admin_lists import ListAdmin, link_by
from customer.admin_log import parts


class GroupAdmin(ListAdmin, DjangosGroupAdmin):
    """Groups give permissions, so they are a superuser's."""

    ordering = ("name",)
    filter_horizontal = ()
    search_fields = ("name__istartswith",)
    search_help_text = "By how the name begins."
    sortable_by = ("name",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser


class LogAdmin(ReadOnlyAdmin):
    why = "What operators did here. The log is written with each act, in its transaction, and nobody edits it."
    list_display = ("action_time", "user", "what", "subject", "origin")
    list_display_links = ("action_time",)
    list_filter = ("action_flag", "action_time")
    list_select_related = ("user", "content_type")
    fields = ("action_time", "user", "action_flag", "what", "subject", "origin")
    search_fields = ("id",)
    search_customer = "user"
    search_help_text = "By the operator's username, or the entry's id."
    sortable_by = ()

    @admin.display(description="what, and why")
    def what(self, entry: LogEntry) -> str:
        return parts(entry)[0]

    @admin.display(description="on what")
    def subject(self, entry: LogEntry) -> str:
        url = entry.get_admin_url() if entry.object_id else None
        return link_by(url, entry.object_repr) if url else entry.object_repr

    @admin.display(description="from where")
    def origin(self, entry: LogEntry) -> str:
        return parts(entry)[1] or "-"
