"""The service's settings, and an app whose one migration wants a busy table for itself."""

from subscription_task.settings import *  # noqa: F403
from subscription_task.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.upgrade"]
