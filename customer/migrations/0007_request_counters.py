"""The counters of rate limits, on PostgreSQL; on SQLite they are in a file of their own, which makes itself.

Unlogged, so a count waits for no disk; after a crash, and on a replica that takes over, all windows begin anew. A hit
changes no indexed column, so with half of each page free it is written in place.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.state import ProjectState

TABLE = """
CREATE UNLOGGED TABLE customer_requestcounter (
    key text PRIMARY KEY,
    hits bigint NOT NULL,
    until double precision NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX customer_requestcounter_until ON customer_requestcounter (until);
"""


class OnPostgreSQL(migrations.RunSQL):
    """SQL that other databases are spared."""

    def database_forwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, *states)


class Migration(migrations.Migration):
    dependencies = [("customer", "0006_ledger_by_account_and_id")]

    operations = [OnPostgreSQL(TABLE, "DROP TABLE customer_requestcounter")]
