"""What operators may do in the admin of all apps: look at the books, and act through the one door."""

from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from unfold.forms import AdminForm

from customer import accounts
from customer.admin_acts import Act, read_back
from customer.admin_lists import ListAdmin
from customer.admin_log import log
from customer.errors import CustomerError
from customer.models import Customer
from subscription_task.formats.sentences import shown


class ChangedMeanwhile(CustomerError):
    """What was confirmed is not what there is any more."""


def may_touch(operator: Customer, customer: Customer) -> bool:
    """Only a superuser does anything to those who have privileges, the operator included."""
    return operator.is_superuser or not (customer.is_staff or customer.is_superuser)


class DoorAdmin(ListAdmin):
    """An admin in which money, prices, activations and deletions go through the door of their account.

    `acts` are offered on an object's page, `removal` behind Django's delete button. What the domain refuses with one of
    `refusals` is an error on the form.
    """

    acts: tuple[Act, ...] = ()
    removal: Act
    refusals: tuple[type[Exception], ...] = (CustomerError,)
    change_form_template = "customer/admin/change_form.html"

    def customer_of(self, subject: Any, said: dict[str, Any]) -> Customer:
        """Whom an act on `subject` concerns, and whose door it goes through; an addition has what the form `said`."""
        raise NotImplementedError

    def may(self, request: HttpRequest, subject: Model, act: Act) -> bool:
        """Whether the operator may do `act` to something that exists."""
        permitted = self.has_view_permission(request, subject) and request.user.has_perm(act.permission)
        return permitted and may_touch(request.user, self.customer_of(subject, {}))

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
        if not (self.has_delete_permission(request, subject) and self.may(request, subject, self.removal)):
            raise PermissionDenied
        return self.act_page(request, self.removal, subject)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Django's, with the acts that this operator may do to this object."""
        subject = self.get_object(request, unquote(object_id)) if self.acts else None
        offered = [
            {"title": act.title, "icon": act.icon, "url": self._url(act.name, subject)}
            for act in self.acts
            if subject is not None and act.fits(subject) and self.may(request, subject, act)
        ]
        return super().change_view(request, object_id, form_url, {"acts": offered, **(extra_context or {})})

    def act_page(self, request: HttpRequest, act: Act, subject: Model | None) -> HttpResponse:
        """Shows the act's form, then what it says and what will happen, then does it."""
        form = act.form(request.POST if request.method == "POST" else None)
        preview: list[str] | None = None
        if form.is_bound and form.is_valid() and "_edit" not in request.POST:
            if not may_touch(request.user, self.customer_of(subject, form.cleaned_data)):
                raise PermissionDenied
            try:
                if "_confirmed" in request.POST:
                    logged, done = self._do(request, act, subject, form.cleaned_data)
                    self.message_user(request, f"{logged}: {shown(done)}", messages.SUCCESS)
                    there = self._url("changelist") if act.flag == DELETION else self._url("change", logged)
                    return HttpResponseRedirect(there)
                preview = act.preview(subject, form.cleaned_data) if act.preview else []
                seen = act.seen(subject, form.cleaned_data) if act.seen else ""
            except self.refusals as refusal:
                form.add_error(None, str(refusal))
        context = {"original": subject, "note": act.note}
        if preview is not None:
            context |= {"values": read_back(form), "preview": preview, "hidden": [field.as_hidden() for field in form]}
            context["seen"] = seen
        return self.form_page(request, act, form, context)

    def form_page(self, request: HttpRequest, act: Act, form: forms.Form, context: dict[str, Any]) -> TemplateResponse:
        """The page of an act: its form, or with `values`, `preview` and `hidden` its confirmation."""
        adminform = AdminForm(form, [(None, {"fields": list(form.fields)})], {}, model_admin=self)
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            "customer/admin/act.html",
            {
                **self.admin_site.each_context(request),
                "title": act.title,
                "act": act,
                "dangerous": act.flag == DELETION,
                "form": form,
                "adminform": adminform,
                "media": self.media + adminform.media,
                "opts": self.opts,
                **context,
            },
        )

    def _find(self, request: HttpRequest, object_id: str) -> Model:
        subject = self.get_object(request, unquote(object_id))
        if subject is None:
            raise Http404(_("There is no %(what)s %(id)s.") % {"what": self.opts.verbose_name, "id": object_id})
        return subject

    def _do(self, request: HttpRequest, act: Act, subject: Model | None, said: dict[str, Any]) -> tuple[Model, str]:
        """Does the act and logs it, in one transaction: the door's."""
        opening: AbstractContextManager = transaction.atomic()
        if act.event is not None:
            whose = self.customer_of(subject, said).pk
            opening = accounts.door(whose, event=act.event, by=request.user)
        with opening:
            if act.seen and str(act.seen(subject, said)) != request.POST.get("_seen"):
                raise ChangedMeanwhile(_("The account has changed since this was shown to you: look again."))
            logged, done = act.do(subject, by=request.user, **said)
            log(request, [logged], act.flag, done, said["reason"])
        return logged, done

    def _url(self, page: str, subject: Model | None = None) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[] if subject is None else [quote(subject.pk)])


class ReadOnlyAdmin(DoorAdmin):
    """Rows that can be seen and not touched, by a superuser neither; `why` tells them so."""

    why: str
    list_before_template = "customer/admin/why.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        return [(None, {"fields": self.get_fields(request, obj), "description": self.why})]
