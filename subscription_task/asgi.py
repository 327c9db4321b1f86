"""The ASGI application of a production server, such as uvicorn."""

import os

from subscription_task import serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
application = serving.asgi()
