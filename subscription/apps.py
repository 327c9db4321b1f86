from django.apps import AppConfig


class SubscriptionConfig(AppConfig):
    name = "subscription"
    verbose_name = "Billing"
