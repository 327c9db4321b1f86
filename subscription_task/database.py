"""What a session of PostgreSQL must be like, however server, database or role are set up.

Asked for when connecting, and then looked at: a pooler such as PgBouncer may lose what was asked for.
"""

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

ASKED = {
    # A host that has gone silent in mid-pass is given up, and its locks with it, after 15 seconds instead of two hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""Settings that are asked for, and may be lost."""

NEEDED = {
    # What waited for a lock goes on with the row as it is now; any other level ends it with an error.
    "default_transaction_isolation": "read committed",
    # How values are written; psycopg and the SQL here read no other way.
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
}
"""Settings that are asked for, and without which nothing is done."""

REFUSED = {
    # What is answered survives the power. These are the administrator's, since `on` is not the only safe value.
    "synchronous_commit": ("off", "on"),
    "fsync": ("off", "on"),
    "full_page_writes": ("off", "on"),
    # No foreign key is checked.
    "session_replication_role": ("replica", "origin"),
}
"""Settings of the server, the database or the role with which nothing is done, and what would do."""
OF_THE_SERVER = ("fsync", "full_page_writes")


class UnfitDatabase(OperationalError, ImproperlyConfigured):
    """The database is set up so that books would go wrong or answers be lost; the text says what would do."""


def options(given: str = "") -> str:
    """The start-up options of a session. Those `given`, the address's own, come first, and so give way to ours."""
    ours = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in (ASKED | NEEDED).items())
    return " ".join(filter(None, [given, *ours]))


def look_at(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Closes a new connection, and raises UnfitDatabase, where its session is not as it must be."""
    if connection.vendor != "postgresql":
        return
    try:
        fault = _fault(connection)
    except BaseException:
        connection.close()
        raise
    if fault:
        connection.connection.close()  # else a pool would keep it, and give it to the next
        connection.close()
        logger.error("%s", fault)
        raise UnfitDatabase(fault)


def _fault(connection: BaseDatabaseWrapper) -> str:
    names = [*NEEDED, *REFUSED]
    found = ", ".join(f"current_setting('{name}')" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT quote_ident(current_user), quote_ident(current_database()), current_schema(), {found}")
        role, database, schema, *values = cursor.fetchone()
    if schema is None:
        return (
            f"The search_path of role {role} leads to no schema of database {database}, so there are no tables:"
            f" ALTER ROLE {role} IN DATABASE {database} SET search_path = public"
        )
    for name, value in zip(names, values, strict=True):
        if not _does(name, value):
            wanted = NEEDED.get(name) or REFUSED[name][1]
            owner = "SYSTEM" if name in OF_THE_SERVER else f"ROLE {role} IN DATABASE {database}"
            return (
                f"Sessions of role {role} in database {database} have {name} = {value!r}, and the service needs"
                f" {wanted!r}: ALTER {owner} SET {name} = '{wanted}'"
            )
    return ""


def _does(name: str, value: str) -> bool:
    """Whether the value of a setting will do."""
    match name:
        case "DateStyle":
            return value.startswith("ISO")
        case "TimeZone":
            return value in ("UTC", "Etc/UTC", "GMT")
        case _ if name in REFUSED:
            return value != REFUSED[name][0]
        case _:
            return value == NEEDED[name]
