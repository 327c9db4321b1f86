from django.apps import AppConfig


class InvoicesAlone(AppConfig):
    """The table of invoices, without the scheduler and the receivers that the service's own configuration starts."""

    name = "invoice"
