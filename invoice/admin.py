"""Invoices, and the jobs that make them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import DELETION
from django.db.models import BigIntegerField, Case, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from customer.admin import SetAsideAdmin
from customer.admin_acts import Act
from customer.admin_base import ReadOnlyAdmin
from customer.admin_lists import link_to
from customer.models import Customer, SetAside
from invoice import repair
from invoice.models import Invoice
from subscription.models import Subscription
from subscription_task.formats import times
from subscription_task.formats.sentences import shown


def preview_repair(set_aside: SetAside, said: dict[str, Any]) -> list[str]:
    return [shown(line) for line in repair.preview(customer_id=set_aside.pk).lines()]


def do_repair(set_aside: SetAside, *, reason: str, by: Customer) -> tuple[SetAside, str]:
    done = repair.repair(customer_id=set_aside.pk, by=by)
    return set_aside, " ".join([str(repair.REPAIRED), *done.steps])


# What django-apscheduler calls its own has no Persian, and its jobs name their times in another form.
DjangoJob._meta.verbose_name, DjangoJob._meta.verbose_name_plural = _("job"), _("jobs")
DjangoJobExecution._meta.verbose_name = _("job execution")
DjangoJob._meta.app_config.verbose_name = _("Schedule")
DjangoJob.__str__ = lambda job: job.pk

DJANGOS = (gettext_noop("django job"), gettext_noop("django job execution"))  # as permissions name them

# customer's own can only retry: what is right about jobs and invoices is known here.
admin.site.unregister(SetAside)
# django-apscheduler's own start a scheduler inside the request, and run a query for every row.
admin.site.unregister(DjangoJob)
admin.site.unregister(DjangoJobExecution)


@admin.register(SetAside)
class RepairAdmin(SetAsideAdmin):
    acts = (
        Act(
            name="repair",
            title=_("Repair"),
            icon="build",
            permission="customer.repair_setaside",
            do=do_repair,
            event=None,
            flag=DELETION,
            note=_(
                "What follows from the rest of the books is put right, all of it or nothing. Then the account is"
                " opened, and billed as if the scheduler had been late."
            ),
            preview=preview_repair,
        ),
        *SetAsideAdmin.acts,
    )


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    why = _(
        "What was charged. Invoices are never added, edited or deleted by hand: adjust the customer's credit instead."
    )
    list_display = ("key", "customer", "subscription", "amount", "start_time", "end_time")
    list_filter = ("start_time",)
    list_select_related = ("customer", "subscription")
    search_fields = ("id", "customer", "subscription")
    search_customer = "customer"
    search_help_text = _("By the id of the invoice, the subscription or the customer, or by the username.")


class Planned(admin.EmptyFieldListFilter):
    """Whether a job runs; by a name that is translated."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = _("next run time")


@admin.register(DjangoJob)
class JobAdmin(ReadOnlyAdmin):
    """The schedule, from its columns: the pickle beside them is never read."""

    why = _("The schedule, which follows the subscriptions: switch one, or top the customer up, to move its job.")
    list_display = ("key", "next_run", "subscription", "customer")
    list_filter = (("next_run_time", Planned),)
    fields = ("key", "next_run", "subscription", "customer")
    ordering = (F("next_run_time").asc(nulls_last=True),)
    search_fields = ("id__exact",)
    search_help_text = _("By the id, which is the subscription's.")
    sortable_by = ("key", "next_run")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With the subscription that each belongs to, if any; an id that is no number breaks nothing."""
        number = Case(When(pk__regex=r"^[1-9][0-9]{0,17}$", then=Cast("pk", BigIntegerField())))
        jobs = super().get_queryset(request).defer("job_state").annotate(number=number)
        subscription = Subscription.objects.filter(pk=OuterRef("number"))
        return jobs.annotate(
            subscription_name=Subquery(subscription.values("name")),
            customer_id=Subquery(subscription.values("customer_id")),
            username=Subquery(subscription.values("customer__username")),
        )

    @admin.display(description=_("next run time"), ordering="next_run_time")
    def next_run(self, job: Any) -> str | None:
        return job.next_run_time and times.element(job.next_run_time)

    @admin.display(description=_("subscription"))
    def subscription(self, job: Any) -> str | None:
        if job.subscription_name is None:
            return None
        return link_to("subscription_subscription", job.number, f"{job.subscription_name} ({job.number})")

    @admin.display(description=_("customer"))
    def customer(self, job: Any) -> str | None:
        return None if job.customer_id is None else link_to("customer_customer", job.customer_id, job.username)
