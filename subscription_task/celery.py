"""The Celery application, where INVOICE_ENGINE is celery: `celery -A subscription_task worker` runs it.

`invoice.hints` finds it by the setting CELERY_APPLICATION.
"""

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from subscription_task import output

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
try:
    if settings.INVOICE_ENGINE != "celery":
        raise ImproperlyConfigured("A worker needs INVOICE_ENGINE=celery and CELERY_BROKER_URL")
except ImproperlyConfigured as error:  # one line, as from manage.py
    sys.exit(f"celery: {error}")

if Path(sys.argv[0]).name in ("celery", "__main__.py"):
    output.never_fails()
app = Celery("subscription_task")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def log_as_django_does(**kwargs: Any) -> None:
    """Having this receiver, Celery leaves logging to the LOGGING of Django's settings."""
