"""(De)activation in the admin: one subscription from its page, or those chosen in the list."""

from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from customer import accounts
from customer.accounts import Event
from customer.admin_acts import Act
from customer.admin_base import DoorAdmin, may_touch
from customer.admin_log import log
from customer.models import Customer
from subscription import subscriptions
from subscription.errors import SubscriptionError
from subscription.models import Subscription
from subscription_task.formats import numbers
from subscription_task.formats.sentences import Sentence, sentence, shown

MOST_AT_ONCE = 500
"""Django takes a form of a thousand fields; each chosen subscription is one."""
SHOWN = 20
ACTIVATED = sentence(gettext_noop("Activated."))
DEACTIVATED = sentence(gettext_noop("Deactivated."))


class SwitchedMeanwhile(SubscriptionError):
    """Somebody else was faster."""


class NotForOperators(SubscriptionError):
    """The customer has privileges, and the operator is no superuser."""

    def __init__(self) -> None:
        super().__init__(_("Only a superuser may do this to an operator."))


def switch(
    subscription: Subscription, *, isactive: bool, reason: str, by: Customer, **said: Any
) -> tuple[Subscription, str]:
    if Subscription.objects.filter(pk=subscription.pk, isactive=isactive).exists():
        raise SwitchedMeanwhile(_("It is active already.") if isactive else _("It is not active already."))
    subscriptions.set_active(
        customer_id=subscription.customer_id, subscription_id=subscription.pk, isactive=isactive, by=by
    )
    return subscription, str(ACTIVATED if isactive else DEACTIVATED)


ACTIVATE = Act(
    name="activate",
    title=gettext_lazy("Activate"),
    permission="subscription.switch_subscription",
    do=partial(switch, isactive=True),
    event=Event.ACTIVATION,
    icon="play_circle",
    note=gettext_lazy(
        "It goes on at the next instant of its grid, if the credit covers its price. What was paused is never billed."
    ),
    fits=lambda subscription: not subscription.isactive,
)
DEACTIVATE = Act(
    name="deactivate",
    title=gettext_lazy("Deactivate"),
    permission="subscription.switch_subscription",
    do=partial(switch, isactive=False),
    event=Event.DEACTIVATION,
    icon="pause_circle",
    note=gettext_lazy("What is due by now is billed first. From then on nothing is, until it is activated again."),
    fits=lambda subscription: subscription.isactive,
)


def _names(subscription: Subscription) -> dict[str, object]:
    return {"subscription": subscription, "customer": subscription.customer}


class SwitchingAdmin(DoorAdmin):
    """An admin of subscriptions that switches those chosen in its list, after a page that names them."""

    actions = ("activate", "deactivate")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Who may (de)activate."""
        return request.user.has_perm(ACTIVATE.permission)

    @admin.action(description=gettext_lazy("Activate"), permissions=["switch"])
    def activate(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._switch(request, queryset, ACTIVATE, ACTIVATED, isactive=True)

    @admin.action(description=gettext_lazy("Deactivate"), permissions=["switch"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._switch(request, queryset, DEACTIVATE, DEACTIVATED, isactive=False)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet, act: Act, done: Sentence, *, isactive: bool
    ) -> HttpResponse | None:
        """Shows which ones are not so yet; confirmed, switches them, one account after the other."""
        others = queryset.exclude(isactive=isactive).select_related("customer").order_by("customer_id", "pk")
        chosen = list(others[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            said = _("Choose at most %(most)s subscriptions at once.") % {"most": numbers.number(MOST_AT_ONCE)}
            self.message_user(request, said, messages.ERROR)
            return None
        form = act.form(request.POST if "_confirmed" in request.POST else None)
        if not chosen or form.is_valid():
            self._switch_all(request, chosen, done, form, isactive=isactive)
            return None
        named = [_("%(subscription)s of %(customer)s") % _names(each) for each in chosen]
        more = [_("and %(count)s more") % {"count": numbers.number(len(named) - SHOWN)}] if len(named) > SHOWN else []
        fields = [("action", act.name), *((ACTION_CHECKBOX_NAME, each.pk) for each in chosen)]
        context = {
            "title": ngettext("%(act)s %(count)s subscription", "%(act)s %(count)s subscriptions", len(chosen))
            % {"act": act.title, "count": numbers.number(len(chosen))},
            "note": act.note,
            "preview": named[:SHOWN] + more,
            "preview_title": _("Chosen"),
            "hidden": [format_html('<input type="hidden" name="{}" value="{}">', *field) for field in fields],
        }
        return self.form_page(request, act, form, context)

    def _switch_all(
        self, request: HttpRequest, chosen: list[Subscription], done: Sentence, form: Any, *, isactive: bool
    ) -> None:
        """Switches account by account; one that refuses stops none of the rest."""
        count = 0
        for customer, of_customer in groupby(chosen, key=attrgetter("customer")):
            theirs = list(of_customer)
            try:
                self._switch_those_of(
                    request, customer, theirs, str(done), form.cleaned_data["reason"], isactive=isactive
                )
            except self.refusals as refusal:
                self.message_user(request, f"{customer}: {refusal}", messages.ERROR)
            else:
                count += len(theirs)
        changed = _("%(count)s of the chosen subscriptions changed.") % {"count": numbers.number(count)}
        self.message_user(request, f"{shown(str(done))} {changed}", messages.SUCCESS)

    def _switch_those_of(
        self,
        request: HttpRequest,
        customer: Customer,
        chosen: list[Subscription],
        done: str,
        reason: str,
        *,
        isactive: bool,
    ) -> None:
        if not may_touch(request.user, customer):
            raise NotForOperators
        event = Event.ACTIVATION if isactive else Event.DEACTIVATION
        with accounts.door(customer.pk, event=event, by=request.user):
            for subscription in chosen:
                subscriptions.set_active(
                    customer_id=customer.pk, subscription_id=subscription.pk, isactive=isactive, by=request.user
                )
            log(request, chosen, CHANGE, done, reason)
