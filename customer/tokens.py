"""SimpleJWT's tokens, whose end is exact: its LEEWAY is for hosts whose clocks differ, not for who comes late."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.exceptions import ExpiredTokenError
from rest_framework_simplejwt.utils import datetime_from_epoch


class _EndsExactly:
    def check_exp(self, claim: str = "exp", current_time: datetime | None = None) -> None:
        """Raises TokenError from the instant on that `claim` names, or where there is none."""
        super().check_exp(claim, current_time)
        if datetime_from_epoch(self.payload[claim]) <= (current_time or self.current_time):
            raise ExpiredTokenError(_("Token is expired"))


class AccessToken(_EndsExactly, tokens.AccessToken):
    pass


class RefreshToken(_EndsExactly, tokens.RefreshToken):
    access_token_class = AccessToken
