import os

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvoiceConfig(AppConfig):
    """Connects billing to the door of accounts, and starts the scheduler where one belongs."""

    name = "invoice"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from customer.signals import account_changed, account_opened
        from invoice import receivers
        from invoice.schedulers import Scheduler
        from subscription.signals import subscription_created, subscription_deleted

        account_opened.connect(receivers.bill_what_is_due)
        account_changed.connect(receivers.follow_the_rule)
        subscription_created.connect(receivers.add_the_job)
        subscription_deleted.connect(receivers.remove_the_job)
        Scheduler.attach()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=Scheduler.after_fork)
        Scheduler.start_where_one_belongs()
