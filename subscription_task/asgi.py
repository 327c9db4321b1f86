"""The ASGI application of a production server, such as uvicorn."""

import os

from django.core.asgi import get_asgi_application

from subscription_task.serving import refuse_development

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
refuse_development()
application = get_asgi_application()
