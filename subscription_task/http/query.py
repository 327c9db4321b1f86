"""The parameters in an address, each of which is given once."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request


def one(request: Request, name: str) -> str | None:
    """The parameter of that name; None where it is not given. Raises ValidationError."""
    refuse_repeated(request, [name])
    return request.query_params.get(name)


def refuse_repeated(request: Request, names: Iterable[str]) -> None:
    """Raises ValidationError, by parameter, where one of `names` is given more than once: which one is meant?"""
    asked = request.query_params
    repeated = {name: [_("May be given only once.")] for name in names if len(asked.getlist(name)) > 1}
    if repeated:
        raise ValidationError(repeated)
