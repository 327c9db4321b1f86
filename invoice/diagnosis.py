"""What is wrong with one account, and what would be right: for invoice.repair. Only reads.

The rows that are only ever added to (ledger, invoices, pauses, changes of prices) say what was billed. The credit, what
the account counts, its time and where each job stands follow from them, if more than one witness says so. What does not
follow is named. Instants are seconds since 1970, as the checks have them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from django.db import DataError
from django.db.models import Max

from customer import clock
from customer.accounts import MAX_DEPOSITED
from customer.models import Account, Customer, LedgerEntry, SetAside
from invoice import steps
from invoice.checks import books, invoices, report, schedule, schema, words
from invoice.checks.faults import Fault, when
from invoice.checks.invoices import Terms
from invoice.checks.schedule import Standing
from subscription.models import Pause, PriceChange, Subscription

FOUNDATIONS = (schema.values, books.accounts, schedule.terms)
"""Checks without which nothing else can be told."""
RECORDS = (schema.references, books.strays, schedule.prices, schedule.pauses)
"""Checks of rows that follow from no others."""
UNREADABLE = (TypeError, ValueError, OverflowError, DataError)


@dataclass(kw_only=True)
class Diagnosis:
    """What a repair of an account does, in `steps` for people and beside them for `invoice.repair`.

    If anything `remains` wrong, it does nothing. `needed` is whether there is anything to do.
    """

    customer_id: int
    set_aside: str | None
    needed: bool = False
    steps: list[str] = field(default_factory=list)
    remains: list[Fault] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    """The account's, as they must be."""
    added: list[int] = field(default_factory=list)
    """Subscriptions whose job is gone."""
    jobs: dict[int, datetime | None] = field(default_factory=dict)
    """Where the job of a subscription must stand; None where it is paused."""
    paused: dict[int, tuple[datetime, Pause.Reason]] = field(default_factory=dict)
    """Where a pause begins that is not on record, and why."""
    resumed: dict[int, datetime] = field(default_factory=dict)
    """Where a pause ends that was left open."""
    due: int = 0
    """The instants that will be billed, if the credit lasts."""

    def lines(self) -> list[str]:
        """For people: what will be done, or what stands in the way."""
        if not self.needed:
            return [str(steps.NOTHING)]
        if self.remains:
            return [str(steps.BY_HAND), *map(str, self.remains), *(steps.AFTER % {"rest": step} for step in self.steps)]
        opened = [] if self.set_aside is None else [str(steps.OPENED)]
        billed = steps.BILLED_ONE if self.due == 1 else steps.BILLED
        return [*self.steps, *opened, *([billed % {"count": f"{self.due:,}"}] if self.due else [])]

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.customer_id,
            "set_aside": self.set_aside,
            "steps": self.steps,
            "due": self.due,
            "remains": [fault.as_json() for fault in self.remains],
        }


def of_account(customer_id: int) -> Diagnosis:
    """What is wrong with an account, in the open transaction. Raises Customer.DoesNotExist."""
    if not Account.objects.filter(pk=customer_id).exists():
        Customer.objects.only("pk").get(pk=customer_id)
    set_aside = SetAside.objects.filter(pk=customer_id).values_list("error", flat=True).first()
    found = Diagnosis(customer_id=customer_id, set_aside=set_aside)
    found.remains = _found_by(FOUNDATIONS, customer_id)
    if not found.remains:
        found.remains = _found_by(RECORDS, customer_id)
        try:
            _prove_the_money(found)
            _place_the_jobs(found)
        except UNREADABLE as error:
            message = words.NOT_TOLD % {"error": error}
            found.remains.append(Fault(code="not_derivable", account=customer_id, message=message))
    found.needed = bool(set_aside is not None or found.steps or found.remains)
    return found


def is_readable(customer_id: int) -> bool:
    """Whether every row of the customer's can be read: each value is one of its column's."""
    return not _found_by((schema.values,), customer_id)


def _found_by(checks: Iterable[Callable[[int], Iterator[Fault]]], customer_id: int) -> list[Fault]:
    return [fault for check in checks for fault in report.found_by(check, customer_id)]


def _prove_the_money(found: Diagnosis) -> None:
    """The columns are sums of rows, if either the credit or what was counted besides bears the rows out.

    Where neither does, it may be a row that was lost: the sums would take from the customer what was paid.
    """
    (sums,) = books.read(found.customer_id)
    credit = sums.ledger - sums.charged
    counted_so = (sums.deposited, sums.invoice_total) == (sums.put_in, sums.charged)
    if credit < 0 or sums.put_in > MAX_DEPOSITED or not (sums.credit == credit or counted_so):
        found.remains += books.balances(found.customer_id)
        return
    for column, stands, proved, why in (
        ("credit", sums.credit, credit, steps.DIFFERENCE % {"ledger": sums.ledger, "charged": sums.charged}),
        ("deposited", sums.deposited, sums.put_in, steps.PUT_IN),
        ("invoice_count", sums.invoice_count, sums.invoices, steps.NUMBER),
        ("invoice_total", sums.invoice_total, sums.charged, steps.CHARGED),
    ):
        if stands != proved:
            found.columns[column] = proved
            found.steps.append(steps.BECOMES % {"column": column, "proved": proved, "stands": stands, "why": why})


@dataclass(kw_only=True)
class _Case:
    """A subscription under repair; its `terms` have the pauses that it has afterwards.

    `reached` is its first instant that was neither billed nor withheld by a pause that has ended; `withheld_from` is
    where a pause begins that has not ended; `stop`, where its job stands or its pause begins. `rule` is whether the job
    should run, which the next event sees to.
    """

    standing: Standing
    terms: Terms
    suspect: bool
    rule: bool
    reached: int
    withheld_from: int | None
    stop: int = 0
    on_record: bool = True
    ended_at: int | None = None

    @property
    def runs(self) -> bool:
        return self.withheld_from is None

    def __str__(self) -> str:
        return steps.SUBSCRIPTION % {"id": self.standing.subscription}


def _place_the_jobs(found: Diagnosis) -> None:
    """Where jobs stand is witnessed by invoices and pauses, by the account's time and by the jobs: two must agree.

    The first must be one of them: what it lacks or has too much cannot be derived.
    """
    account = Account.objects.get(pk=found.customer_id)
    credit = found.columns.get("credit", account.credit)
    suspects = invoices.suspects(found.customer_id)
    cases = [_examine(standing, credit, suspects) for standing in schedule.standing(found.customer_id)]
    running = [case for case in cases if case.runs]
    if any(case.standing.expected != case.reached for case in running) and all(
        case.standing.stands_at == case.reached for case in running
    ):
        _set_the_time(found, account, running)
    for case in cases:
        _place(found, case)
    now = int(clock.now().timestamp())
    for case in cases:
        if case.runs and case.rule:
            found.due += max((now - case.stop) // case.terms.period + 1, 0)
        if case.runs and not case.rule:
            found.steps.append(steps.THEN_PAUSED % {"subscription": case})
        elif case.rule and not case.runs:
            found.steps.append(steps.THEN_GOES_ON % {"subscription": case, "time": when(case.withheld_from)})


def _in_place(standing: Standing) -> bool:
    return standing.stands_at == standing.expected


def _examine(standing: Standing, credit: int, suspects: list[int]) -> _Case:
    """A pause on record is believed, but where the job was billed in spite of it, or stands where it would without it.

    A job that is paused without one is believed where the rule wants it paused.
    """
    terms = invoices.terms_of(standing.subscription)
    rule = standing.active and standing.price <= credit
    withheld_from = next((begins for begins, ends in terms.pauses if ends == inf), None)
    case = _Case(
        standing=standing,
        terms=replace(terms, pauses=[pause for pause in terms.pauses if pause[1] < inf]),
        suspect=standing.subscription in suspects,
        rule=rule,
        reached=terms.instant_from(terms.stop or terms.anchor),
        withheld_from=withheld_from,
    )
    if withheld_from is not None and rule and standing.runs:
        billed = [start for start in case.terms.starts if start >= withheld_from]
        in_place = standing.expected if _in_place(standing) and withheld_from <= standing.expected else None
        case.ended_at = min(billed, default=in_place)
    if case.ended_at is not None:
        case.withheld_from = None
        case.terms.pauses.append((withheld_from, case.ended_at))
    if case.suspect or case.ended_at is not None:
        case.reached = case.terms.first_gap()
    if case.withheld_from is None and not rule and not standing.runs:
        case.withheld_from, case.on_record = min(case.reached, standing.expected), False
    if case.withheld_from is not None:
        case.terms.pauses.append((case.withheld_from, inf))
    return case


def _set_the_time(found: Diagnosis, account: Account, running: list[_Case]) -> None:
    """The account's time, from the running jobs and from all that has happened; none where these contradict."""
    of_subscriptions = {"subscription__customer": found.customer_id}
    pauses = Pause.objects.filter(**of_subscriptions).aggregate(Max("paused_at"), Max("resumed_at"))
    happened = [
        *pauses.values(),
        LedgerEntry.objects.filter(account=found.customer_id).aggregate(last=Max("at"))["last"],
        PriceChange.objects.filter(**of_subscriptions).aggregate(last=Max("at"))["last"],
        Subscription.objects.of(found.customer_id).aggregate(last=Max("created_at"))["last"],
        *(_instant(case.reached - case.terms.period) for case in running),
    ]
    time = max(at for at in happened if at is not None)
    if time < min(_instant(case.reached) for case in running):
        found.columns["settled_until"] = time
        stood = {"proved": f"{time:%Y-%m-%d %H:%M:%S}", "stands": f"{account.settled_until:%Y-%m-%d %H:%M:%S}"}
        found.steps.append(steps.BECOMES % {"column": "settled_until", "why": steps.IN_PLACE, **stood})


def _place(found: Diagnosis, case: _Case) -> None:
    """Puts the job and the pause of a subscription where they belong, if its invoices reach to there and no further."""
    standing = case.standing
    if case.rule and not case.runs and _in_place(standing) and standing.expected < case.withheld_from:
        message = words.PAUSE_AFTER % {"stands": when(standing.expected), "time": when(case.withheld_from)}
        about = {"account": found.customer_id, "subscription": standing.subscription}
        found.remains.append(Fault(code="not_derivable", **about, message=message))
        return
    runs_to = case.reached if "settled_until" in found.columns else standing.expected
    case.stop = stop = runs_to if case.runs else case.withheld_from
    if case.suspect or stop != case.terms.stop:
        found.remains += invoices.judge(replace(case.terms, stop=stop))
    step = None
    if standing.job is None:
        found.added.append(standing.subscription)
        step = steps.MADE if case.runs else steps.MADE_PAUSED
    elif standing.runs and not case.runs:
        step = steps.PAUSED
    elif case.runs and not standing.runs:
        step = steps.RUNS
    elif case.runs and standing.stands_at != stop:
        step = steps.MOVES
    if step:
        found.jobs[standing.subscription] = _instant(stop) if case.runs else None
        found.steps.append(step % {"subscription": case, "time": when(stop), "stood": standing.written})
    if case.ended_at is not None:
        found.resumed[standing.subscription] = _instant(case.ended_at)
        found.steps.append(steps.ENDS % {"subscription": case, "time": when(case.ended_at)})
    if not case.on_record:
        because = Pause.Reason.INSUFFICIENT_CREDIT if standing.active else Pause.Reason.DEACTIVATED
        found.paused[standing.subscription] = _instant(stop), because
        because_of = because.value.replace("_", " ")
        found.steps.append(steps.RECORDED % {"subscription": case, "because": because_of, "time": when(stop)})


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
