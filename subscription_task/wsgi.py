"""The WSGI application of a production server, such as gunicorn."""

import os

from subscription_task import serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
application = serving.wsgi()
