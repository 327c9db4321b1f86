"""What the API's documents say of the subscriptions' endpoints."""

from customer.documents import BAD_KEY, MISSING, NO_MONEY, NOT_JSON, OR_DIGITS
from subscription_task.http.documents import Document

TAG = "Subscriptions"
NEXT, PREVIOUS = "The address of the next page; null on the last.", "The address of the page before; null on the first."

VM = {
    "id": 1,
    "name": "VM",
    "price": 450,
    "period": 600,
    "isactive": True,
    "created_at": "2030-01-01T12:00:00.250000Z",
    "next_invoice_at": "2030-01-01T12:10:00Z",
    "paused_because": None,
}
OFF = VM | {"isactive": False, "next_invoice_at": None, "paused_because": "deactivated"}
ON = VM | {"next_invoice_at": "2030-01-01T12:30:00Z"}
RACK = VM | {
    "id": 2,
    "name": "rack",
    "price": 1000000,
    "next_invoice_at": None,
    "paused_because": "insufficient_credit",
}
OR_WORDS = ". Also taken: 1 and 0, and as text `true`, `yes`, `on`, `1` and their opposites, in whatever case."
NONE = {"None, or not yours": {"detail": "Not found."}}
_TO_ONE = {"parameters": {"subid": "$response.body#/id"}}

CREATE = Document(
    id="createSubscription",
    tag=TAG,
    summary="Create a subscription",
    description="Adds a subscription that costs `price` every period. The period is the service's at this moment, and"
    " stays. The first invoice comes one period after the creation, floored to the second: the first period is"
    " free. Where the credit does not cover the price, the subscription begins paused, and `paused_because` says"
    " so. A customer has at most 1000.\n\n"
    "Send an `Idempotency-Key` to be able to send the request again where no answer came.",
    answer="The subscription.",
    replays=True,
    requests={
        "A virtual machine": {"name": "VM", "price": 450, "isactive": True},
        "More than the credit covers": {"name": "rack", "price": 1000000},
        "Switched off for now": {"name": "mail", "price": 120, "isactive": False},
    },
    answers={"A virtual machine": VM, "More than the credit covers": RACK},
    errors={
        400: {
            "Wrong fields": {"name": [MISSING], "price": [NO_MONEY], "isactive": ["Must be a valid boolean."]},
            "Too many": {"non_field_errors": ["A customer has at most 1000 subscriptions."]},
            "Bad key": BAD_KEY,
            "No JSON": NOT_JSON,
        }
    },
    links={
        "switch": {
            "operationId": "editActivation",
            **_TO_ONE,
            "description": "Switch it off, with `isactive` false.",
        },
        "reasons": {"operationId": "getSubscription", **_TO_ONE, "description": "Why it stands as it does."},
    },
)

EDIT_ACTIVATION = Document(
    id="editActivation",
    tag=TAG,
    summary="Switch a subscription on or off",
    description="What is due at this moment is billed first. A subscription that is off is not billed; switched on"
    " again, it goes on at the next instant of its grid, if the credit covers its price. What was paused is never"
    " billed, and what is billed is not given back: an invoice covers the period that follows it. Setting what is"
    " already so changes nothing.",
    answer="The subscription as it now is.",
    requests={"Off": {"isactive": False}, "On": {"isactive": True}},
    answers={"Off": OFF, "On": ON},
    errors={
        400: {
            "Missing": {"isactive": [MISSING]},
            "Neither on nor off": {"isactive": ["Must be a valid boolean."]},
            "No JSON": NOT_JSON,
        },
        404: NONE,
    },
    links={"reasons": {"operationId": "getSubscription", **_TO_ONE, "description": "Why it stands as it does."}},
)

LIST = Document(
    id="listSubscriptions",
    tag=TAG,
    summary="List my subscriptions",
    description="All of them, or those that are asked for: all filters together. By id, in pages, each subscription"
    " exactly once.",
    answer="A page of subscriptions.",
    answers={"A page": {"subscriptions": [VM], "next": None, "previous": None}},
    errors={
        400: {"No size of a page": {"page_size": ["A whole number of at least 1 is required."]}},
        404: {"No such page": {"detail": "Invalid cursor"}},
    },
    links={
        "reasons": {
            "operationId": "getSubscription",
            "parameters": {"subid": "$response.body#/subscriptions/0/id"},
            "description": "Why the first one stands as it does.",
        }
    },
)

LIST_FILE = Document(
    id="exportSubscriptions",
    tag=TAG,
    summary="My subscriptions as a CSV file",
    description="All that the list has, or those that are asked for, in one file without pages, by id. A name that a"
    " spreadsheet would compute (`=1+1`) has an apostrophe before it.",
    answer="The file.",
    answers={
        "A file": "id,name,price,period,isactive,created_at,next_invoice_at,paused_because\r\n"
        "1,VM,450,600,true,2030-01-01T12:00:00.250000Z,2030-01-01T12:10:00Z,\r\n",
    },
    errors={400: {"Neither on nor off": {"active": ["Must be a valid boolean."]}}},
    is_file=True,
)

_FIELDS = {
    "id": "Of the subscription.",
    "name": "As its customer called it.",
    "price": "What each invoice takes, in the smallest unit of money.",
    "isactive": "Whether its customer wants it.",
    "next_invoice_at": "The instant of its next invoice; null while its job is paused.",
    "paused_because": "Why it is paused: `deactivated`, or `insufficient_credit`; the first where both hold, null"
    " where neither does.",
}
FIELDS = {
    "Creation": {
        "name": "1 to 32 characters; need not be unique.",
        "price": f"What each invoice takes, in the smallest unit of money{OR_DIGITS}",
        "isactive": f"Whether it is to run from the start{OR_WORDS}",
    },
    "Activation": {"isactive": f"Whether it is to be on{OR_WORDS}"},
    "Subscription": _FIELDS,
    "PaginatedSubscriptionList": {"subscriptions": "By id.", "next": NEXT, "previous": PREVIOUS},
    "Reasons": _FIELDS,
}
"""What fields are, where their serializers do not say."""
