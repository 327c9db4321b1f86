"""Who sends a request, by its access token."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import Token

from customer.models import Customer


class TokenAuthentication(JWTAuthentication):
    """SimpleJWT's, in two steps, of which the one that reads the customer is taken once a request."""

    def claims(self, request: HttpRequest) -> Token | None:
        """What the access token says, if there is one that we signed and that has not expired.

        It may have been revoked since. Raises AuthenticationFailed.
        """
        header = self.get_header(request)
        raw = None if header is None else self.get_raw_token(header)
        return None if raw is None else self.get_validated_token(raw)

    def get_raw_token(self, header: bytes) -> bytes | None:
        """The token of an `Authorization`, whose scheme is the same in any case; None where there is none."""
        scheme, space, token = header.partition(b" ")
        return super().get_raw_token(b"Bearer" + space + token if scheme.lower() == b"bearer" else header)

    def customer(self, request: HttpRequest, claims: Token) -> Customer:
        """Whose token it is. Raises AuthenticationFailed where it is no longer good."""
        customer = self.get_user(claims)
        request.holder = (customer, claims)
        return customer

    def authenticate(self, request: Any) -> tuple[Customer, Token] | None:
        asked = getattr(request, "_request", request)
        return getattr(asked, "holder", None) or super().authenticate(request)


class TokenScheme(SimpleJWTScheme):
    """For the API's documents, which name the class."""

    target_class = TokenAuthentication
    name = SimpleJWTScheme.name

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        said = "The `access` of a login or a refresh; `Bearer` is put before it."
        return super().get_security_definition(auto_schema) | {"description": said}
