"""What operators may do in the admin of all apps: look at the books, and act through the one door."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from customer import accounts
from customer.admin_lists import ListAdmin
from customer.errors import CustomerError
from subscription_task.http.fields import MAX_MONEY


class AmountField(forms.IntegerField):
    """Money in its smallest unit: a whole number from `min_value` to 2⁶³−1."""

    def __init__(self, *, min_value: int = 1, **options: Any) -> None:
        options.setdefault("help_text", "A whole number, in the smallest unit of money.")
        super().__init__(min_value=min_value, max_value=MAX_MONEY, **options)


class ActForm(forms.Form):
    """What every act asks for; the reason goes to the log."""

    reason = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs={"size": 60}))


@dataclass(frozen=True, kw_only=True)
class Act:
    """What an operator does through an account's door: a form on a page of its own.

    `do(subject, by=…, **what the form says)` returns the object that the log names, and what has been done to it.
    `event` is None where no door needs to open; `flag` is the log's; `preview(subject)` says what the act would do.
    """

    name: str
    title: str
    permission: str
    do: Callable[..., tuple[Model, str]]
    event: accounts.Event | None
    form: type[forms.Form] = ActForm
    flag: int = CHANGE
    note: str = ""
    preview: Callable[[Any], list[str]] | None = None


class DoorAdmin(ListAdmin):
    """An admin in which money, prices, activations and deletions go through the door of their account.

    `acts` are offered on an object's page, `removal` behind Django's delete button. What the domain refuses with one of
    `refusals` is an error on the form.
    """

    acts: tuple[Act, ...] = ()
    removal: Act
    refusals: tuple[type[Exception], ...] = (CustomerError,)
    change_form_template = "customer/admin/change_form.html"

    def account_of(self, subject: Any, said: dict[str, Any]) -> int:
        """Whose door an act on `subject` goes through; an addition has only what the form has `said`."""
        raise NotImplementedError

    def may(self, request: HttpRequest, subject: Model, act: Act) -> bool:
        """Whether the operator may do `act` to something that exists."""
        return self.has_view_permission(request, subject) and request.user.has_perm(act.permission)

    def get_urls(self) -> list:
        return [
            path(
                f"<path:object_id>/{act.name}/",
                self.admin_site.admin_view(partial(self.act_view, act=act)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{act.name}",
            )
            for act in self.acts
        ] + super().get_urls()

    def act_view(self, request: HttpRequest, object_id: str, act: Act) -> HttpResponse:
        """The page of an act on one object."""
        subject = self._find(request, object_id)
        if not self.may(request, subject, act):
            raise PermissionDenied
        return self.act_page(request, act, subject)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """Django's own deletes rows; this one goes through the door."""
        subject = self._find(request, object_id)
        if not self.has_delete_permission(request, subject):
            raise PermissionDenied
        return self.act_page(request, self.removal, subject)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Django's, with the acts that this operator may do to this object."""
        subject = self.get_object(request, unquote(object_id)) if self.acts else None
        offered = [
            {"title": act.title, "url": self._url(act.name, subject)}
            for act in self.acts
            if subject is not None and self.may(request, subject, act)
        ]
        return super().change_view(request, object_id, form_url, {"acts": offered, **(extra_context or {})})

    def act_page(self, request: HttpRequest, act: Act, subject: Model | None) -> HttpResponse:
        """Shows the act's form, or does what it says."""
        form = act.form(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            try:
                logged, done = self._do(request, act, subject, form.cleaned_data)
            except self.refusals as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, f"{logged}: {done}", messages.SUCCESS)
                there = self._url("changelist") if act.flag == DELETION else self._url("change", logged)
                return HttpResponseRedirect(there)
        adminform = AdminForm(form, [(None, {"fields": list(form.fields)})], {}, model_admin=self)
        context = {
            **self.admin_site.each_context(request),
            "title": act.title,
            "subtitle": None if subject is None else str(subject),
            "note": act.note,
            "preview": act.preview(subject) if act.preview else [],
            "form": form,
            "adminform": adminform,
            "media": self.media + adminform.media,
            "opts": self.opts,
            "original": subject,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "customer/admin/act.html", context)

    def _find(self, request: HttpRequest, object_id: str) -> Model:
        subject = self.get_object(request, unquote(object_id))
        if subject is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        return subject

    def _do(self, request: HttpRequest, act: Act, subject: Model | None, said: dict[str, Any]) -> tuple[Model, str]:
        """Does the act and logs it, in one transaction: the door's."""
        opening: AbstractContextManager = transaction.atomic()
        if act.event is not None:
            opening = accounts.door(self.account_of(subject, said), event=act.event, by=request.user)
        with opening:
            logged, done = act.do(subject, by=request.user, **said)
            log(request, [logged], act.flag, done, said["reason"])
        return logged, done

    def _url(self, page: str, subject: Model | None = None) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[] if subject is None else [quote(subject.pk)])


class ReadOnlyAdmin(DoorAdmin):
    """Rows that can be seen and not touched, by a superuser neither; `why` tells them so."""

    why: str

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"subtitle": self.why, **(extra_context or {})})

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        return [(None, {"fields": self.get_fields(request, obj), "description": self.why})]


def log(request: HttpRequest, subjects: list[Model], flag: int, done: str, reason: str) -> None:
    """Writes into the admin's log who did what to `subjects`, and why."""
    message = f"{done} Reason: {reason}" if reason else done
    LogEntry.objects.log_actions(request.user.pk, subjects, flag, message)
