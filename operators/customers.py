"""What operators see of one customer: the money, how long it lasts, what is subscribed to, and what has happened."""

from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from customer.admin_log import parts
from customer.errors import AccountSetAside
from customer.models import Customer
from invoice import outlook, previews, statements
from invoice.checks.faults import counted
from subscription.models import Pause, Subscription

SUBSCRIPTIONS, LINES, ACTS = 50, 50, 10
"""How many of each a page shows; the lists have the others."""

KINDS = {"invoice": "Invoice", "registration": "Registration", "top_up": "Top-up", "adjustment": "Adjustment"}
VARIANTS = {None: "success", Pause.Reason.INSUFFICIENT_CREDIT: "danger", Pause.Reason.DEACTIVATED: "default"}


def sections(request: HttpRequest, customer: Customer, cursor: str | None) -> dict[str, Any]:
    """The parts of a customer's page that this operator may see; `cursor` names a page of the statement.

    Raises statements.BadCursor.
    """
    may, account = request.user.has_perm, customer.account
    shown: dict[str, Any] = {
        "id": customer.pk,
        "credit": f"{account.credit:,}",
        "deposited": f"{account.deposited:,}",
        "invoiced": f"{account.invoice_total:,} by {counted(account.invoice_count, 'invoice')}",
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
            return {"trouble": f"This account cannot be billed: {refusal.__cause__}"}
        return {"trouble": "This account is set aside: it is neither billed nor changed.", "set_aside": True}
    stops = found.pauses if len(found.pauses) > 1 else []
    return {
        "runway": previews.lasts(found),
        "due": previews.due(found),
        "order": [f"{previews.named(stop)} at {previews.when(stop.at)}" for stop in stops[: previews.SHOWN]],
        "more": max(len(stops) - previews.SHOWN, 0),
    }


def _subscription(subscription: Subscription) -> dict[str, Any]:
    because = subscription.paused_because
    return {
        "id": subscription.pk,
        "name": subscription.name,
        "price": f"{subscription.price:,}",
        "period": str(timedelta(seconds=subscription.period)),
        "state": Pause.Reason(because).label if because else "Running",
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
        "what": f"{KINDS[line.kind]} {line.id}",
        "url": reverse(f"admin:{'invoice_invoice' if invoice else 'customer_ledgerentry'}_change", args=[line.id]),
        "of": previews.label(line.subscription, subscription_id) if invoice else why or "-",
        "of_url": reverse("admin:subscription_subscription_change", args=[subscription_id]) if invoice else None,
        "amount": f"{line.amount:+,}",
        "balance": f"{line.balance:,}",
    }


def _log(customer: Customer, subscribed: list[Subscription]) -> list[dict[str, Any]]:
    """The latest acts on the customer and on the subscriptions shown."""
    of_type = ContentType.objects.get_for_models(Customer, Subscription)
    about = Q(content_type=of_type[Customer], object_id=str(customer.pk))
    about |= Q(content_type=of_type[Subscription], object_id__in=[str(each.pk) for each in subscribed])
    entries = LogEntry.objects.filter(about).select_related("user").order_by("-pk")[:ACTS]
    shown = []
    for entry in entries:
        done, origin = parts(entry)
        about_whom = {"at": entry.action_time, "by": str(entry.user), "about": entry.object_repr}
        shown.append({**about_whom, "done": done or "-", "origin": origin or "-"})
    return shown
