"""The ASGI application of a production server, such as uvicorn."""

import os

from subscription_task import serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
# Each request has a thread of its own, however many there are at once; they share this many connections.
os.environ.setdefault("DATABASE_POOL", "10")
application = serving.asgi()
