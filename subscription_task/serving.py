"""What both production entry points ask before they serve."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def refuse_development() -> None:
    """Raises ImproperlyConfigured where the settings are those of a development server."""
    if settings.DEBUG:
        raise ImproperlyConfigured(
            "This is a development configuration. Set DJANGO_DEBUG=off, DJANGO_SECRET_KEY, DJANGO_ALLOWED_HOSTS"
            " and SELF_SERVICE_TOP_UP, or use `python manage.py runserver`."
        )
