"""Whether the database still guards what it was told to guard."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Field, IntegerField

from customer.models import Account, LedgerEntry, SetAside
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


def constraints() -> Iterator[Fault]:
    """The constraints that refuse a second invoice for an instant, a negative credit and the like are in place."""
    with connection.cursor() as cursor:
        for model in MODELS:
            table = model._meta.db_table
            found = connection.introspection.get_constraints(cursor, table)
            for constraint in model._meta.constraints:
                if constraint.name not in found:
                    yield Fault(
                        code="constraint_missing",
                        message=words.CONSTRAINT % {"table_id": table, "constraint_id": constraint.name},
                    )


def values(account: int | None = None) -> Iterator[Fault]:
    """Every number of the books is a whole one, every time a date that can be read: SQLite stores anything anywhere."""
    for model, of_account in MODELS.items():
        table, key = model._meta.db_table, model._meta.pk.column
        for field in model._meta.concrete_fields:
            unreadable = _unreadable(field)
            if unreadable is None:
                continue
            statement = f"SELECT count(*), min({key}) FROM {table} child WHERE ({unreadable}) AND {of_account}"
            ((many, first),) = rows(statement, account=account)
            if many:
                yield Fault(
                    code="value_unreadable",
                    account=account,
                    message=words.UNREADABLE % {"count": counted(many, "row"), **_found(table, key, first, field)},
                )


def _found(table: str, key: str, first: Any, field: Field) -> dict[str, Any]:
    return {"table_id": table, "key_id": key, "first_id": first, "column_id": field.column}


def _unreadable(field: Field) -> str | None:
    """The condition under which a column's value is none of its type; None where every value will do."""
    column, sqlite = field.column, connection.vendor == "sqlite"
    if isinstance(field.target_field if field.remote_field else field, IntegerField):
        return f"typeof({column}) NOT IN ('integer', 'null')" if sqlite else None
    if isinstance(field, DateTimeField):
        if sqlite:
            unlike = f"typeof({column}) <> 'text' OR julianday(substr({column}, 1, 19)) IS NULL"
            return f"{column} IS NOT NULL AND ({unlike} OR {column} NOT LIKE '____-__-__ __:__:__%%')"
        return f"NOT {column} BETWEEN '0001-01-01' AND '9999-12-31'"
    return None


def references(account: int | None = None) -> Iterator[Fault]:
    """No row of the books belongs to a row that is gone."""
    for model, of_account in MODELS.items():
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
