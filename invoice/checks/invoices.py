"""The invoices: exactly one for each instant of a grid that was not withheld, and each as it must be.

SQL proves the sound subscriptions, all at once; Python looks at the others one by one, and says what is wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf

from invoice.checks import words
from invoice.checks.database import rows
from invoice.checks.faults import Fault, counted, first_of, when

_BEFORE = "(({0}) - terms.anchor + terms.period - 1) / terms.period"
"""How many instants before {0} the grid has, the anchor among them."""
_CLIPPED = "CASE WHEN FLOORED({0}) < terms.stop THEN FLOORED({0}) ELSE terms.stop END"
_STOP = """COALESCE(FLOORED(job.next_run_time), (
        SELECT min(FLOORED(pause.withheld_from)) FROM subscription_pause pause
        WHERE pause.subscription_id = subscription.id AND pause.restored_from IS NULL
    ))"""
"""Where billing has arrived: the next run, or the beginning of the pause that is open."""

# The subscriptions whose numbers disagree. Distinct instants (a constraint sees to that) on the grid, before `stop` and
# outside the pauses (which do not overlap, or are faults themselves), and as many as there should be, are all of them.
SUSPECTS = f"""
    WITH terms AS (
        SELECT subscription.id, subscription.customer_id, subscription.price,
               NULLIF(subscription.period, 0) AS period, FLOORED(subscription.created_at) AS anchor, {_STOP} AS stop,
               EXISTS (
                   SELECT 1 FROM subscription_pricechange change WHERE change.subscription_id = subscription.id
               ) AS repriced
        FROM subscription_subscription subscription
        LEFT JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
        WHERE OF_ACCOUNT(subscription.customer_id)
    ),
    billed AS (
        SELECT terms.id, count(*) AS invoices, min(invoice.start_time) AS first, max(invoice.start_time) AS last,
               sum(CASE WHEN invoice.customer_id = terms.customer_id
                         AND (INSTANT(invoice.start_time) - terms.anchor) %% terms.period = 0
                         AND LASTS(invoice.start_time, invoice.end_time, terms.period)
                         AND invoice.amount = CASE WHEN terms.repriced THEN COALESCE((
                                 SELECT change.previous FROM subscription_pricechange change
                                 WHERE change.subscription_id = terms.id AND change.at >= invoice.start_time
                                 ORDER BY change.at, change.id LIMIT 1
                             ), terms.price) ELSE terms.price END
                        THEN 0 ELSE 1 END) AS unsound
        FROM invoice_invoice invoice JOIN terms ON terms.id = invoice.subscription_id
        GROUP BY terms.id
    ),
    withheld AS (
        SELECT terms.id,
               sum({_BEFORE.format(_CLIPPED.format("pause.restored_from"))}
                   - {_BEFORE.format(_CLIPPED.format("pause.withheld_from"))}) AS instants,
               sum((SELECT count(*) FROM invoice_invoice invoice
                    WHERE invoice.subscription_id = pause.subscription_id
                      AND invoice.start_time >= pause.withheld_from
                      AND invoice.start_time < pause.restored_from)) AS invoices
        FROM subscription_pause pause JOIN terms ON terms.id = pause.subscription_id
        WHERE pause.restored_from IS NOT NULL
        GROUP BY terms.id
    )
    SELECT terms.id
    FROM terms LEFT JOIN billed ON billed.id = terms.id LEFT JOIN withheld ON withheld.id = terms.id
    WHERE billed.unsound > 0
       OR withheld.invoices > 0
       OR FLOORED(billed.first) <= terms.anchor
       OR FLOORED(billed.last) >= terms.stop
       OR COALESCE(billed.invoices, 0) <> COALESCE(
              {_BEFORE.format("terms.stop")} - 1 - COALESCE(withheld.instants, 0), -1)
    ORDER BY terms.id
"""
SUBSCRIPTION = f"""
    SELECT subscription.id, subscription.customer_id, subscription.price, subscription.period,
           FLOORED(subscription.created_at), {_STOP}
    FROM subscription_subscription subscription
    LEFT JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
    WHERE subscription.id = %s
"""
PAUSES = """
    SELECT FLOORED(withheld_from), FLOORED(restored_from) FROM subscription_pause WHERE subscription_id = %s
"""
PRICE_CHANGES = """
    SELECT FLOORED(at), previous FROM subscription_pricechange WHERE subscription_id = %s
    ORDER BY subscription_pricechange.at, id
"""
INVOICES = """
    SELECT id, customer_id, amount, INSTANT(start_time), INSTANT(end_time),
           CAST(start_time AS varchar), CAST(end_time AS varchar)
    FROM invoice_invoice WHERE subscription_id = %s
    ORDER BY start_time, id
"""


@dataclass(frozen=True)
class Terms:
    """A subscription as its invoices must follow it. Times are seconds since 1970; a pause that is open ends never."""

    subscription_id: int
    customer_id: int
    price: int
    period: int
    anchor: int
    stop: int | None
    pauses: list[tuple[int, float]]
    changes: list[tuple[int, int]]

    def price_at(self, start: int) -> int:
        """The price in force at an instant: a change counts after its own instant."""
        return next((previous for at, previous in self.changes if at >= start), self.price)

    def withheld(self, start: int) -> bool:
        return any(begins <= start < ends for begins, ends in self.pauses)

    @cached_property
    def invoices(self) -> list[tuple]:
        """The rows of INVOICES."""
        return list(rows(INVOICES, self.subscription_id))

    @cached_property
    def on_grid(self) -> list[tuple]:
        """Those of them that lie on the grid."""
        return [
            invoice
            for invoice in self.invoices
            if invoice[3] is not None and invoice[3] > self.anchor and (invoice[3] - self.anchor) % self.period == 0
        ]

    @property
    def starts(self) -> list[int]:
        """Their instants, in order."""
        return [invoice[3] for invoice in self.on_grid]

    def first_gap(self) -> int:
        """The first instant that was neither billed nor withheld."""
        known = [self.anchor, *self.starts, *(instant for pause in self.pauses for instant in pause)]
        return next(self.gaps(self.starts, max(known) + 2 * self.period)).start

    def instant_from(self, second: int) -> int:
        """The first instant of the grid that is not before a second."""
        return self.anchor - min((self.anchor - second) // self.period, -1) * self.period

    def gaps(self, billed: Iterable[int], stop: int) -> Iterator[range]:
        """The stretches of instants before `stop` that were neither billed nor withheld."""
        reached = self.anchor + self.period
        covered = sorted([*self.pauses, *((start, start + self.period) for start in billed), (stop, stop)])
        for begins, ends in covered:
            if reached < (gap_ends := min(begins, stop)):
                yield range(reached, gap_ends, self.period)
            if ends >= stop:
                reached = max(reached, stop)
            elif ends > reached:
                reached = self.instant_from(int(ends))


def suspects(account: int | None = None) -> list[int]:
    """The subscriptions whose invoices, job and pauses disagree."""
    return [subscription_id for (subscription_id,) in rows(SUSPECTS, account=account)]


def coverage(account: int | None = None) -> Iterator[Fault]:
    """The billed instants are exactly the grid less the pauses, up to the next run or the pause; each invoice is right.

    Right: the price in force as its amount, one period long, and its subscription's customer's.
    """
    for subscription_id in suspects(account):
        yield from examine(subscription_id)


def examine(subscription_id: int) -> Iterator[Fault]:
    """What is wrong with the invoices of one subscription."""
    return judge(terms_of(subscription_id))


def terms_of(subscription_id: int) -> Terms:
    """One subscription, as its rows have it."""
    ((*row,),) = rows(SUBSCRIPTION, subscription_id)
    pauses = [
        (begins, inf if ends is None else ends) for begins, ends in rows(PAUSES, subscription_id) if begins is not None
    ]
    return Terms(*row, pauses, list(rows(PRICE_CHANGES, subscription_id)))


def judge(terms: Terms) -> Iterator[Fault]:
    """What is wrong with the invoices of one subscription, if its terms are right."""
    if terms.period < 1 or terms.anchor is None:
        return  # `schedule.terms` says so
    yield from _instants(terms)
    yield from _each(terms)


def _instants(terms: Terms) -> Iterator[Fault]:
    """Too few, too many: the instants of the invoices that lie on the grid, in order."""
    starts = terms.starts
    billed = set(starts)
    # Without a job or a pause to say where billing stopped, which is a fault of its own, it was after the last.
    stop = max(billed, default=terms.anchor) + terms.period if terms.stop is None else terms.stop
    about = {"account": terms.customer_id, "subscription": terms.subscription_id}
    missing = list(terms.gaps(billed, stop))
    if missing:
        yield Fault(
            code="invoice_missing",
            **about,
            message=words.INVOICE_MISSING
            % {
                "count": counted(sum(map(len, missing)), "instant"),
                "time": when(stop),
                "instants": first_of(missing),
            },
        )
    for code, instants, why in (
        (
            "invoice_duplicate",
            [start for start, before in zip(starts[1:], starts, strict=False) if start == before],
            words.DUPLICATE,
        ),
        ("invoice_in_pause", [start for start in billed if terms.withheld(start)], words.IN_PAUSE),
        (
            "invoice_too_late",
            [start for start in billed if start >= stop and not terms.withheld(start)],
            words.TOO_LATE,
        ),
    ):
        if instants:
            instants.sort()
            yield Fault(
                code=code,
                **about,
                message=why
                % {
                    "count": counted(len(instants), "invoice"),
                    "time": when(stop),
                    "instants": first_of(range(start, start + 1) for start in instants),
                },
            )


def _each(terms: Terms) -> Iterator[Fault]:
    """Wrong in itself, whatever the others are: one fault for each kind, with its first invoice."""
    wrong: dict[str, list[str]] = {}
    on_grid = {invoice[0] for invoice in terms.on_grid}
    for invoice_id, customer_id, amount, start, end, start_written, end_written in terms.invoices:
        this = {"id": invoice_id, "time": start_written}
        if invoice_id not in on_grid:
            wrong.setdefault("invoice_off_grid", []).append(words.INVOICE_OFF_GRID % this)
        else:
            if amount != (price := terms.price_at(start)):
                text = words.AMOUNT_WRONG % {**this, "amount": amount, "price": price}
                wrong.setdefault("amount_wrong", []).append(text)
            if end is None or end != start + terms.period:
                text = words.END_WRONG % {**this, "ends": end_written, "expected": when(start + terms.period)}
                wrong.setdefault("end_time_wrong", []).append(text)
        if customer_id != terms.customer_id:
            text = words.CUSTOMER_WRONG % {**this, "customer_id": customer_id, "other_id": terms.customer_id}
            wrong.setdefault("customer_wrong", []).append(text)
    for code, (first, *others) in wrong.items():
        yield Fault(
            code=code,
            account=terms.customer_id,
            subscription=terms.subscription_id,
            message=" ".join([first, *([words.MORE % {"count": f"{len(others):,}"}] if others else [])]),
        )
