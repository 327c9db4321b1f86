from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperatorsConfig(AppConfig):
    """What operators see of it all: the dashboard and the figures behind it."""

    name = "operators"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from operators import housekeeping

        housekeeping.begin()
