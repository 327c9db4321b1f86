"""What operators may do, and what they did: the groups and the log."""

from collections.abc import Iterable

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangosGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customer import admin_log
from customer.admin_base import ReadOnlyAdmin
from customer.admin_lists import ListAdmin, link_by
from customer.admin_shown import ShownForm
from subscription_task.formats.sentences import shown

LogEntry.__str__ = lambda entry: gettext("log entry %(id)s") % {"id": entry.pk}  # Django's is the whole entry


class GroupForm(ShownForm):
    """A group, and what it permits."""


class GroupAdmin(ListAdmin, DjangosGroupAdmin):
    """Groups give permissions, so they are a superuser's."""

    form = GroupForm
    ordering = ("name",)
    filter_horizontal = ()
    search_fields = ("name__istartswith",)
    search_help_text = _("By how the name begins.")
    sortable_by = ("name",)

    def save_model(self, request: HttpRequest, obj: Group, form: GroupForm, change: bool) -> None:
        """The name, if that was changed; the permissions are rows of their own."""
        obj.save(update_fields=[name for name in form.changed_data if name == "name"] if change else None)

    def get_deleted_objects(self, objs: Iterable[Group], request: HttpRequest) -> tuple[list, dict, set, list]:
        """The groups, without the rows that give each its permissions."""
        _each, _counts, needed, protected = super().get_deleted_objects(objs, request)
        return [str(each) for each in objs], {self.opts.verbose_name_plural: len(objs)}, needed, protected

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
    why = _("What operators did here. The log is written with each act, in its transaction, and nobody edits it.")
    list_display = ("action_time", "user", "what", "subject", "origin")
    list_display_links = ("action_time",)
    list_filter = ("action_flag", "action_time")
    list_select_related = ("user", "content_type")
    fields = ("action_time", "user", "action_flag", "what", "subject", "origin")
    search_fields = ("id",)
    search_customer = "user"
    search_help_text = _("By the operator's username, or the entry's id.")
    sortable_by = ()

    @admin.display(description=_("what, and why"))
    def what(self, entry: LogEntry) -> str:
        return admin_log.what(entry)

    @admin.display(description=_("on what"))
    def subject(self, entry: LogEntry) -> str:
        url = entry.get_admin_url() if entry.object_id else None
        return link_by(url, shown(entry.object_repr)) if url else shown(entry.object_repr)

    @admin.display(description=_("from where"))
    def origin(self, entry: LogEntry) -> str:
        return admin_log.whence(entry)
