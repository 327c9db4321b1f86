"""The WSGI application of runserver."""

from subscription_task import serving

application = serving.development()
