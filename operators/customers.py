"""What operators see of one customer: the money, how long it lasts, what is subscribed to, and what has happened."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customer import admin_log
from customer.errors import AccountSetAside
from customer.models import Customer
from invoice import outlook, previews, statements
from subscription.models import Pause, Subscription
from subscription_task.formats import letters, times
from subscription_task.formats.numbers import change, money, number
from subscription_task.formats.sentences import shown as in_words

SUBSCRIPTIONS, LINES, ACTS = 50, 50, 10
"""How many of each a page shows; the lists have the others."""

KINDS = {
    "invoice": gettext_lazy("Invoice %(id)s"),
    "registration": gettext_lazy("Registration %(id)s"),
    "top_up": gettext_lazy("Top-up %(id)s"),
    "adjustment": gettext_lazy("Adjustment %(id)s"),
}
VARIANTS = {None: "success", Pause.Reason.INSUFFICIENT_CREDIT: "danger", Pause.Reason.DEACTIVATED: "default"}


def sections(request: HttpRequest, customer: Customer, cursor: str | None) -> dict[str, Any]:
    """The parts of a customer's page that this operator may see; `cursor` names a page of the statement.

    Raises statements.BadCursor.
    """
    may, account = request.user.has_perm, customer.account
    shown: dict[str, Any] = {
        "id": customer.pk,
        "credit": money(account.credit),
        "deposited": money(account.deposited),
        "invoiced": ngettext(
            "%(amount)s by %(count)s invoice", "%(amount)s by %(count)s invoices", account.invoice_count
        )
        % {"amount": money(account.invoice_total), "count": number(account.invoice_count)},
        "subscriptions": None,
        "log": None,
    }
    subscribed: list[Subscription] = []
    if may("subscription.view_subscription"):
        theirs = Subscription.objects.of(customer).with_next_invoice().order_by("-pk")
        subscribed = list(theirs[:SUBSCRIPTIONS])
        shown["subscriptions"] = [_subscription(each) for each in subscribed]
        shown |= _runway(customer)
    if may("customer.view_ledgerentry") and may("invoice.view_invoice"):
        shown["statement"] = _statement(customer, cursor)
    if may("admin.view_logentry"):
        shown["log"] = _log(customer, subscribed)
    return shown


def _runway(customer: Customer) -> dict[str, Any]:
    """How long the credit lasts, and what is due; or why that cannot be told."""
    try:
        found = outlook.of_customer(customer_id=customer.pk)
    except AccountSetAside as refusal:
        if refusal.__cause__:
            return {"trouble": _("This account cannot be billed: %(why)s") % {"why": in_words(str(refusal.__cause__))}}
        return {"trouble": _("This account is set aside: it is neither billed nor changed."), "set_aside": True}
    stops = found.pauses if len(found.pauses) > 1 else []
    return {
        "runway": previews.lasts(found),
        "due": previews.due(found),
        "order": [
            _("%(subscription)s at %(time)s") % {"subscription": previews.named(stop), "time": times.text(stop.at)}
            for stop in stops[: previews.SHOWN]
        ],
        "more": max(len(stops) - previews.SHOWN, 0),
    }


def _subscription(subscription: Subscription) -> dict[str, Any]:
    because = subscription.paused_because
    return {
        "id": subscription.pk,
        "name": subscription.name,
        "price": money(subscription.price),
        "period": times.period(subscription.period),
        "state": Pause.Reason(because).label if because else _("Running"),
        "variant": VARIANTS[because],
        "next_invoice_at": subscription.next_invoice_at,
    }


def _statement(customer: Customer, cursor: str | None) -> dict[str, Any]:
    page = statements.page(customer_id=customer.pk, size=LINES, cursor=cursor)
    return {
        "lines": [_line(line) for line in page.lines],
        "older": page.older and f"?{urlencode({'statement': page.older})}#statement",
        "newer": page.newer and f"?{urlencode({'statement': page.newer})}#statement",
    }


def _line(line: statements.Line) -> dict[str, Any]:
    invoice, subscription_id = line.kind == statements.INVOICE, line.subscription_id
    why = ": ".join(filter(None, (line.by, line.reason)))
    return {
        "at": line.at,
        "what": KINDS[line.kind] % {"id": line.id},
        "url": reverse(f"admin:{'invoice_invoice' if invoice else 'customer_ledgerentry'}_change", args=[line.id]),
        "of": letters.with_id(line.subscription, subscription_id) if invoice else why or "-",
        "of_url": reverse("admin:subscription_subscription_change", args=[subscription_id]) if invoice else None,
        "amount": change(line.amount),
        "balance": money(line.balance),
    }


def _log(customer: Customer, subscribed: list[Subscription]) -> list[dict[str, Any]]:
    """The latest acts on the customer and on the subscriptions shown."""
    of_type = ContentType.objects.get_for_models(Customer, Subscription)
    about = Q(content_type=of_type[Customer], object_id=str(customer.pk))
    about |= Q(content_type=of_type[Subscription], object_id__in=[str(each.pk) for each in subscribed])
    entries = LogEntry.objects.filter(about).select_related("user").order_by("-pk")[:ACTS]
    shown = []
    for entry in entries:
        about_whom = {"at": entry.action_time, "by": str(entry.user), "about": in_words(entry.object_repr)}
        shown.append({**about_whom, "done": admin_log.what(entry), "origin": admin_log.whence(entry)})
    return shown
