"""The header `Idempotency-Key`: one effect and one answer, however often a request is sent.

After draft-ietf-httpapi-idempotency-key-header. The key is kept in the transaction of its effect, behind the account's
door, where a second request with it waits until the first is over.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable

from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from customer import accounts
from customer.accounts import Event
from customer.errors import AccountSetAside, KeyOfAnotherRequest, UnusableKey
from customer.models import IdempotencyKey

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PATIENCE = 10
"""The seconds that a request waits for another one, which may have its key."""
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
"""A string of RFC 8941."""
_KEY = re.compile(r"[ -~]{1,255}")


def once(request: Request, event: Event, effect: Callable[[], Response]) -> Response:
    """The answer of `effect`, or the first one again where the request's key was used for the same request before.

    What `effect` raises keeps no key. Raises UnusableKey, KeyOfAnotherRequest, AccountBusy,
    AccountSetAside.
    """
    key = _key(request)
    if key is None:
        return effect()
    said = {"method": request.method, "path": request.path_info, "body": _hash(request)}
    customer = request.user
    kept = IdempotencyKey.objects.filter(customer=customer, key=key).first()
    if kept is None:
        with accounts.door(customer.pk, event=event, by=customer, patience=PATIENCE) as here:
            kept = IdempotencyKey.objects.filter(customer=customer, key=key).first()
            if kept is None:
                answer = effect()
                text = json.dumps(answer.data, cls=JSONEncoder)
                IdempotencyKey.objects.create(
                    customer=customer, key=key, at=here.at, status=answer.status_code, answer=text, **said
                )
                return answer
    if any(getattr(kept, name) != value for name, value in said.items()):
        raise KeyOfAnotherRequest
    try:
        return Response(json.loads(kept.answer), status=kept.status, headers={REPLAYED: "true"})
    except (TypeError, ValueError) as error:
        logger.exception("What idempotency key %d of account %d was answered cannot be read", kept.pk, customer.pk)
        raise AccountSetAside from error


def _key(request: Request) -> str | None:
    """The key, which may stand in quotes. Raises UnusableKey."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    key = given.strip(" \t")
    if key.startswith('"'):
        quoted = _QUOTED.fullmatch(key)
        key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else ""
    if not _KEY.fullmatch(key):
        raise UnusableKey
    return key


def _hash(request: Request) -> str:
    """What the body says, whatever its spaces and the order of its fields. No form says what JSON does."""
    is_form = isinstance(request.data, QueryDict)
    body = dict(request.data.lists()) if is_form else request.data
    said = json.dumps(body, sort_keys=True, default=repr)
    return hashlib.sha256(f"{'form ' if is_form else ''}{said}".encode()).hexdigest()
