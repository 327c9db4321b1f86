"""Whether the database still guards what it was told to guard."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, DateTimeField, Field, IntegerField, TextField

from customer.models import Account, Customer, IdempotencyKey, LedgerEntry, SetAside
from invoice.checks import words
from invoice.checks.database import rows
from invoice.checks.faults import Fault, counted
from invoice.models import Invoice
from subscription.models import Pause, PriceChange, Subscription

# With the condition for the rows of one account.
MODELS = {
    Account: "OF_ACCOUNT(child.customer_id)",
    SetAside: "OF_ACCOUNT(child.account_id)",
    LedgerEntry: "OF_ACCOUNT(child.account_id)",
    Subscription: "OF_ACCOUNT(child.customer_id)",
    Pause: "OF_SUBSCRIPTIONS(child.subscription_id)",
    PriceChange: "OF_SUBSCRIPTIONS(child.subscription_id)",
    Invoice: "OF_ACCOUNT(child.customer_id)",
}
# What requests read besides.
READ = MODELS | {Customer: "OF_ACCOUNT(child.id)", IdempotencyKey: "OF_ACCOUNT(child.customer_id)"}


def constraints() -> Iterator[Fault]:
    """The constraints that refuse a second invoice for an instant, a negative credit and the like are in place."""
    with connection.cursor() as cursor:
        for model in READ:
            table = model._meta.db_table
            found = connection.introspection.get_constraints(cursor, table)
            for constraint in model._meta.constraints:
                if constraint.name not in found:
                    yield Fault(
                        code="constraint_missing",
                        message=words.CONSTRAINT % {"table_id": table, "constraint_id": constraint.name},
                    )


def values(account: int | None = None) -> Iterator[Fault]:
    """Every value is one of its column: a whole number, a time, a text, one of its choices, present where it must be.

    SQLite stores anything anywhere, and any database what it was told before a constraint was dropped.
    """
    for model, of_account in READ.items():
        table, key = model._meta.db_table, model._meta.pk.column
        wrong = {field: _wrong(field) for field in model._meta.concrete_fields}
        wrong = {field: condition for field, condition in wrong.items() if condition}
        # One scan for all columns.
        found = ", ".join(
            f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END), min(CASE WHEN {condition} THEN child.{key} END)"
            for condition in wrong.values()
        )
        if not wrong:
            continue
        ((*numbers,),) = rows(f"SELECT {found} FROM {table} child WHERE {of_account}", account=account)
        for field, many, first in zip(wrong, numbers[::2], numbers[1::2], strict=True):
            if many:
                yield Fault(
                    code="value_unreadable",
                    account=account,
                    message=words.UNREADABLE % {"count": counted(many, "row"), **_found(table, key, first, field)},
                )


def _found(table: str, key: str, first: Any, field: Field) -> dict[str, Any]:
    return {"table_id": table, "key_id": key, "first_id": first, "column_id": field.column}


def _wrong(field: Field) -> str:
    """The condition under which a column's value is none of its; empty where every value will do."""
    column = f"child.{field.column}"
    conditions = [] if field.null else [f"{column} IS NULL"]
    if connection.vendor == "sqlite":
        conditions += _of_another_type(field, column)
    elif isinstance(field, DateTimeField):
        conditions.append(f"NOT {column} BETWEEN '0001-01-01' AND '9999-12-31'")
    if field.choices:
        known = [value for value, _ in field.flatchoices] + [""] * field.blank
        conditions.append(f"{column} NOT IN ({', '.join(map(repr, known))})")
    return " OR ".join(f"({condition})" for condition in conditions)


def _of_another_type(field: Field, column: str) -> list[str]:
    """SQLite's columns hold any type."""
    kind = field.target_field if field.remote_field else field
    if isinstance(kind, IntegerField):
        return [f"typeof({column}) NOT IN ('integer', 'null')"]
    if isinstance(kind, BooleanField):
        return [f"typeof({column}) NOT IN ('integer', 'null') OR {column} NOT IN (0, 1)"]
    if isinstance(kind, CharField | TextField):
        return [f"typeof({column}) NOT IN ('text', 'null')"]
    if isinstance(kind, DateTimeField):
        unlike = f"typeof({column}) <> 'text' OR julianday(substr({column}, 1, 19)) IS NULL"
        return [f"{column} IS NOT NULL AND ({unlike} OR {column} NOT LIKE '____-__-__ __:__:__%%')"]
    return []


def references(account: int | None = None) -> Iterator[Fault]:
    """No row of the books belongs to a row that is gone."""
    for model, of_account in READ.items():
        table, key = model._meta.db_table, model._meta.pk.column
        for field in model._meta.concrete_fields:
            if field.remote_field is None:
                continue
            target = field.remote_field.model._meta
            statement = f"""
                SELECT count(*), min(child.{key})
                FROM {table} child
                LEFT JOIN {target.db_table} parent ON parent.{target.pk.column} = child.{field.column}
                WHERE child.{field.column} IS NOT NULL AND parent.{target.pk.column} IS NULL AND {of_account}
            """
            ((many, first),) = rows(statement, account=account)
            if many:
                yield Fault(
                    code="reference_broken",
                    account=account,
                    message=words.REFERENCE
                    % {
                        "count": counted(many, "row"),
                        "target_id": target.db_table,
                        **_found(table, key, first, field),
                    },
                )
