"""What schemathesis takes for a fault of the service, and is none: each with its reason.

tests/schemathesis.toml names this module; tests/test_schemathesis.py runs schemathesis.
"""

from itertools import count
from typing import Any

import schemathesis

MOST = 2**63 - 1
TOO_MUCH = f"This would take all that was ever put into the account over {MOST}."
REFUSED = {
    # operation: fields and the beginnings of what is said of them where a request is as the documents have it, and is
    # refused for what was there before, for the other fields, or for what no pattern can say
    "registerCustomer": {
        "username": ("A customer with that username", "Enter a valid username"),  # or has a sign that is no letter
        "password": ("",),  # too common, too like the names
    },
    "changePassword": {"old_password": ("This is not your password",), "new_password": ("",)},
    "increaseCredit": {"credit": (TOO_MUCH,)},
    "getForecast": {"credit": (TOO_MUCH,)},
    "createSubscription": {"non_field_errors": ("A customer has at most 1000",)},
    **dict.fromkeys(("listSubscriptions", "exportSubscriptions"), {"isactive": ("Must be the same as",)}),
    **dict.fromkeys(
        ("listInvoices", "exportInvoices"),
        {"from": ("Must be before",), "amount_min": ("Must not be more",), "tz": ("Must be the IANA",)},
    ),
    **dict.fromkeys(
        ("getStatistics", "exportStatistics"),
        {
            "from": ("Must be before",),
            "group_by": ("This would be more than 10000 groups",),
            "tz": ("Must be the IANA",),
        },
    ),
}
PAGES = {"page_size", "cursor"}
_number = count(1)


@schemathesis.deserializer("text/csv")
def deserialize_csv(context: Any, response: Any) -> str:
    """CSV is text."""
    return response.text


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Gives every customer another name: nearly all registrations would else be of names that are taken."""
    name = _body(case).get("username")
    if _operation(case) == "registerCustomer" and isinstance(name, str) and name.strip() and len(name) < 100:
        case.body["username"] = f"{name}{next(_number)}"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether it is a fault."""
    match type(failure).__name__, response.status_code:
        case "RejectedPositiveData", 400:
            return not all(_is_known(case, field, said) for field, said in response.json().items())
        case "RejectedPositiveData", 422:  # the key was used before
            return "Idempotency-Key" not in (case.headers or {})
        case "AcceptedNegativeData", _:
            return not (_is_text_after_all(case) or _has_no_pages(case, response))
        case _:
            return True


def _operation(case: Any) -> str:
    return case.operation.definition.raw["operationId"]


def _body(case: Any) -> dict[str, Any]:
    return case.body if isinstance(case.body, dict) else {}


def _is_known(case: Any, field: str, said: Any) -> bool:
    """Whether a field is refused for what JSON Schema has no words for."""
    value = (_body(case) | dict(case.query or {})).get(field)
    if isinstance(value, float):  # money as 1.0 is an integer to JSON Schema
        return True
    if isinstance(value, str) and (_is_out_of_range(value) or not value.strip()):  # blank to Python, with "\x1d" in it
        return True
    beginnings = REFUSED.get(_operation(case), {}).get(field)
    return beginnings is not None and isinstance(said, list) and said[0].startswith(beginnings)


def _is_out_of_range(digits: str) -> bool:
    return digits.isdecimal() and not 1 <= int(digits) <= MOST


def _is_text_after_all(case: Any) -> bool:
    """Whether DRF makes good text of what it is not: of a number, and of what is too long but for spaces around it."""
    return any(
        field not in ("credit", "price", "isactive")
        and (
            (isinstance(value, int | float) and not isinstance(value, bool))
            or (isinstance(value, str) and value != value.strip())
        )
        for field, value in _body(case).items()
    )


def _has_no_pages(case: Any, response: Any) -> bool:
    """Whether it is a file: of those nobody asks which page of what size."""
    return response.headers["content-type"][0].startswith("text/csv") and bool(PAGES & set(case.query or {}))
