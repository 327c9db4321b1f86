from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

from subscription_task import database


class CustomerConfig(AppConfig):
    name = "customer"
    verbose_name = _("Billing")

    def ready(self) -> None:
        connection_created.connect(database.look_at)
