from django.apps import AppConfig


class OperatorsConfig(AppConfig):
    """What operators see of it all: the dashboard and the figures behind it."""

    name = "operators"
    verbose_name = "Operations"

    def ready(self) -> None:
        from operators import housekeeping

        housekeeping.begin()
