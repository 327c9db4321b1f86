"""What the API's documents say of invoices, and of what they make of accounts and subscriptions."""

from customer.documents import TAG as CUSTOMERS
from subscription.documents import LIST as SUBSCRIPTIONS
from subscription.documents import NEXT, NONE, ON, PREVIOUS, RACK
from subscription.documents import TAG as OF_SUBSCRIPTIONS
from subscription_task.http.documents import Document

TAG = "Invoices"

_VM, _RACK, _MAIL = (
    {
        "id": id,
        "name": name,
        "price": price,
        "next_invoice_at": next_at,
        "number_of_invoices": count,
        "total_cost_amount": count * price,
    }
    for id, name, price, next_at, count in (
        (1, "VM", 450, "2030-01-01T12:20:00Z", 144),
        (2, "rack", 1000000, None, 0),
        (3, "mail", 120, None, 0),
    )
)
_COMING = [
    {
        "subscription": 1,
        "amount": 450,
        "start_time": f"2030-01-01T{12 + minute // 60}:{minute % 60:02}:00Z",
        "end_time": f"2030-01-01T{12 + (minute + 10) // 60}:{(minute + 10) % 60:02}:00Z",
    }
    for minute in range(20, 120, 10)
]
_COURSE = {
    "credit": 352550,
    "number_of_invoices": 144,
    "total_cost_amount": 64800,
    "credit_left": 287750,
    "runs_out_at": None,
    "pauses": [],
}
_DAY = _COURSE | {
    "at": "2030-01-01T12:10:01Z",
    "until": "2030-01-02T12:10:01Z",
    "resumes": [],
    "subscriptions": [_VM, _RACK, _MAIL],
    "invoices": _COMING,
    "without_top_up": None,
}
_BILLED = {"next_invoice_at": "2030-01-01T12:20:00Z", "number_of_invoices": 1, "total_cost_amount": 1000000}
_DAY_WITH_TOP_UP = _DAY | {
    "credit": 1352550,
    "number_of_invoices": 145,
    "total_cost_amount": 1064800,
    "runs_out_at": "2030-01-01T12:20:00Z",
    "pauses": [{"subscription": 2, "at": "2030-01-01T12:20:00Z", "withheld_from": "2030-01-01T12:30:00Z"}],
    "resumes": [2],
    "subscriptions": [_VM, _RACK | _BILLED, _MAIL],
    "invoices": [_COMING[0], _COMING[0] | {"subscription": 2, "amount": 1000000}, *_COMING[1:9]],
    "without_top_up": _COURSE,
}

_ALL = {"number_of_invoices": 1, "total_cost_amount": 450}
_NONE = {"number_of_invoices": 0, "total_cost_amount": 0}

REASONS = Document(
    id="getSubscription",
    tag=OF_SUBSCRIPTIONS,
    summary="Why a subscription stands as it does",
    description="One subscription: why and since when it is paused, how much credit is missing, what it has cost, and"
    " its latest pauses. A pause lasts until the subscription runs again. So one that was switched off, and then on"
    " again without the credit for it, still has the pause that began when it was switched off; `paused_because` says"
    " what keeps it paused now.",
    answer="The subscription and its pauses.",
    answers={
        "It runs": ON
        | {
            "paused_since": None,
            "credit_missing": 0,
            "number_of_invoices": 1,
            "total_cost_amount": 450,
            "pauses": [
                {
                    "paused_at": "2030-01-01T12:15:00Z",
                    "paused_because": "deactivated",
                    "paused_on": "deactivation",
                    "withheld_from": "2030-01-01T12:20:00Z",
                    "resumed_at": "2030-01-01T12:25:00Z",
                    "resumed_on": "activation",
                    "restored_from": "2030-01-01T12:30:00Z",
                }
            ],
        },
        "Credit is missing": RACK
        | {
            "paused_since": "2030-01-01T12:00:00.250000Z",
            "credit_missing": 647450,
            "number_of_invoices": 0,
            "total_cost_amount": 0,
            "pauses": [
                {
                    "paused_at": "2030-01-01T12:00:00.250000Z",
                    "paused_because": "insufficient_credit",
                    "paused_on": "creation",
                    "withheld_from": "2030-01-01T12:10:00Z",
                    "resumed_at": None,
                    "resumed_on": None,
                    "restored_from": None,
                }
            ],
        },
    },
    errors={404: NONE},
)

STATEMENT = Document(
    id="getStatement",
    tag=CUSTOMERS,
    summary="My statement",
    description="Everything that ever changed the credit, newest first, in the order in which it did: registration,"
    " top-ups, adjustments by operators, invoices. Each line has the balance after it, so the amounts of all lines"
    " sum up to the credit. In pages.",
    answer="A page of lines.",
    answers={
        "A page": {
            "credit": 352550,
            "entries": [
                {
                    "kind": "invoice",
                    "id": 1,
                    "at": "2030-01-01T12:10:00Z",
                    "amount": -450,
                    "balance": 352550,
                    "subscription": 1,
                    "end_time": "2030-01-01T12:20:00Z",
                },
                {
                    "kind": "top_up",
                    "id": 2,
                    "at": "2030-01-01T12:00:00.250000Z",
                    "amount": 3000,
                    "balance": 353000,
                    "subscription": None,
                    "end_time": None,
                },
                {
                    "kind": "registration",
                    "id": 1,
                    "at": "2030-01-01T12:00:00.250000Z",
                    "amount": 350000,
                    "balance": 350000,
                    "subscription": None,
                    "end_time": None,
                },
            ],
            "next": None,
            "previous": None,
        },
    },
    errors=SUBSCRIPTIONS.errors,
)

STATEMENT_FILE = Document(
    id="exportStatement",
    tag=CUSTOMERS,
    summary="My statement as a CSV file",
    description="All lines of the statement in one file without pages, newest first.",
    answer="The file.",
    answers={
        "A file": "kind,id,at,amount,balance,subscription,end_time\r\n"
        "invoice,1,2030-01-01T12:10:00Z,-450,352550,1,2030-01-01T12:20:00Z\r\n"
        "top_up,2,2030-01-01T12:00:00.250000Z,3000,353000,,\r\n"
        "registration,1,2030-01-01T12:00:00.250000Z,350000,350000,,\r\n",
    },
    is_file=True,
)

LIST = Document(
    id="listInvoices",
    tag=TAG,
    summary="List my invoices",
    description="All of them, or those that are asked for: all filters together. Newest first, in pages, each invoice"
    " exactly once, also while new ones arrive.",
    answer="A page of invoices.",
    answers={
        "A page": {
            "invoices": [
                {
                    "id": 1,
                    "customer": 1,
                    "subscription": 1,
                    "amount": 450,
                    "start_time": "2030-01-01T12:10:00Z",
                    "end_time": "2030-01-01T12:20:00Z",
                }
            ],
            "next": None,
            "previous": None,
        },
    },
    errors=SUBSCRIPTIONS.errors,
)

_NOTHING_BETWEEN = {"Nothing between": {"from": ["Must be before `to`."]}}
LIST_FILE = Document(
    id="exportInvoices",
    tag=TAG,
    summary="My invoices as a CSV file",
    description="All that the list has, or those that are asked for, in one file without pages, newest first.",
    answer="The file.",
    answers={
        "A file": "id,customer,subscription,amount,start_time,end_time\r\n"
        "1,1,1,450,2030-01-01T12:10:00Z,2030-01-01T12:20:00Z\r\n",
    },
    errors={400: _NOTHING_BETWEEN},
    is_file=True,
)

STATISTICS = Document(
    id="getStatistics",
    tag=TAG,
    summary="Count my invoices",
    description="How many invoices there are, and what they cost together: all, or those of a range of time. With"
    " `group_by` also for each hour, day or month of a time zone, or for each subscription; the groups sum up to the"
    " whole.",
    answer="The two numbers, and the groups where they are asked for.",
    answers={
        "All": _ALL,
        "?group_by=hour&tz=Asia/Tehran": _ALL
        | {"series": [{"start": "2030-01-01T15:00:00+03:30", "end": "2030-01-01T16:00:00+03:30", **_ALL}]},
        "?group_by=subscription": _ALL
        | {
            "series": [
                {"subscription": 1, "name": "VM", **_ALL},
                {"subscription": 2, "name": "rack", **_NONE},
                {"subscription": 3, "name": "mail", **_NONE},
            ]
        },
    },
    errors={
        400: {
            "No such zone": {"tz": ["Must be the IANA name of a time zone, such as Asia/Tehran."]},
            **_NOTHING_BETWEEN,
        }
    },
)

STATISTICS_FILE = Document(
    id="exportStatistics",
    tag=TAG,
    summary="My statistics as a CSV file",
    description="The groups in their order, a row for each; without `group_by` one row, the two numbers.",
    answer="The file.",
    answers={
        "?group_by=hour": "start,end,number_of_invoices,total_cost_amount\r\n"
        "2030-01-01T12:00:00Z,2030-01-01T13:00:00Z,1,450\r\n",
    },
    errors={400: _NOTHING_BETWEEN},
    is_file=True,
)

FORECAST = Document(
    id="getForecast",
    tag=TAG,
    summary="What is to come",
    description="The invoices to come, when the credit no longer covers what runs, which subscriptions then pause, and"
    " in which order; cheaper ones may go on. It is exact: what billing does if nobody does anything else. With"
    " `credit`, what a top-up now would change: nothing is put in, and `without_top_up` is the course as it is.",
    answer="The course of the account.",
    answers={"?days=1": _DAY, "?days=1&credit=1000000": _DAY_WITH_TOP_UP},
    errors={400: {"Too far": {"days": ["Must be from 1 to 3660."]}}},
)

_PERIOD = {"start_time": "The instant that was billed.", "end_time": "A period later: what it covers ends before it."}
FIELDS = {
    "PaginatedInvoiceList": {"invoices": "Newest first.", "next": NEXT, "previous": PREVIOUS},
    "Invoice": {
        "id": "Of the invoice.",
        "customer": "Whose it is: an id.",
        "subscription": "For what: an id.",
        "amount": "What it took from the credit: the price at that instant.",
        **_PERIOD,
    },
    "Reasons": {
        "paused_since": "Since when it has not run, whatever the reason was then; null while it runs.",
        "number_of_invoices": "How many it has.",
        "total_cost_amount": "What they cost together.",
    },
    "Pause": {
        "paused_because": "Why it was paused then.",
        "paused_on": "What made it pause.",
        "resumed_on": "What made it resume; null while it lasts.",
        "paused_at": "When it was paused.",
        "withheld_from": "The first instant that is not billed.",
        "resumed_at": "When it resumed; null while it lasts.",
        "restored_from": "The first instant that is billed again; null while it lasts.",
    },
    "Statistics": {
        "number_of_invoices": "How many there are.",
        "total_cost_amount": "What they cost together.",
    },
    "Span": {
        "start": "Its first instant.",
        "end": "The first instant after it.",
        "number_of_invoices": "How many there are in it.",
        "total_cost_amount": "What they cost together.",
    },
    "Share": {
        "subscription": "Of the subscription: its id.",
        "name": "As its customer called it.",
        "number_of_invoices": "How many it has.",
        "total_cost_amount": "What they cost together.",
    },
    "Statement": {
        "credit": "What is left to be spent.",
        "entries": "Newest first.",
        "next": "The page of older lines.",
        "previous": "The page of newer ones.",
    },
    "Line": {
        "kind": "What it is.",
        "id": "Of the ledger entry or of the invoice.",
        "at": "When; of an invoice the instant that was billed.",
        "subscription": "Of an invoice, for what; else null.",
        "end_time": "Of an invoice, until when; else null.",
    },
    "Coming": {"subscription": "For what: an id.", "amount": "What it will take.", **_PERIOD},
    "Stop": {"subscription": "Which: an id.", "at": "When.", "withheld_from": "The first instant not billed."},
    "Prospect": {
        "id": "Of the subscription.",
        "name": "As its customer called it.",
        "price": "What each invoice takes.",
        "next_invoice_at": "Null while its job is paused.",
        "number_of_invoices": "How many are to come.",
        "total_cost_amount": "What they will cost together.",
    },
    "Course": {
        "number_of_invoices": "How many are to come.",
        "total_cost_amount": "What they will cost together.",
        "credit_left": "What is then left.",
    },
    "Forecast": {
        "number_of_invoices": "How many are to come.",
        "total_cost_amount": "What they will cost together.",
        "credit_left": "What is then left.",
        "at": "As of when.",
        "until": "How far ahead.",
        "subscriptions": "Each with its share.",
        "without_top_up": "The course without the top-up; null where none is asked about.",
    },
}
"""What fields are, where their serializers do not say."""
