from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission


class SelfServiceTopUp(BasePermission):
    """Customers may credit themselves where SELF_SERVICE_TOP_UP is on."""

    message = _("Customers cannot add credit themselves here.")

    def has_permission(self, request: Any, view: Any) -> bool:
        return settings.SELF_SERVICE_TOP_UP
