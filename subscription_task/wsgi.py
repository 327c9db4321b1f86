"""The WSGI application of a production server, such as gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from subscription_task.serving import refuse_development

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
refuse_development()
application = get_wsgi_application()
