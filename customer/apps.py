from django.apps import AppConfig


class CustomerConfig(AppConfig):
    name = "customer"
    verbose_name = "Billing"
