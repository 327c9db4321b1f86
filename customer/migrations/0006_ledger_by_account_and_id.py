"""An index that statements walk: an account's ledger entries by id. It takes the place of the foreign key's own.

PostgreSQL makes the one and drops the other while the table is written. SQLite keeps both.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLE, COLUMN = "customer_ledgerentry", "account_id"
INDEX = models.Index(fields=["account", "id"], name="ledger_entry_of_account")


def add(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    entry = apps.get_model("customer", "LedgerEntry")
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.add_index(entry, INDEX)
        return
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX.name}")  # half made, if this was cut short
    before = schema_editor._constraint_names(entry, [COLUMN], index=True, unique=False, primary_key=False)
    schema_editor.execute(f"CREATE INDEX CONCURRENTLY {INDEX.name} ON {TABLE} ({COLUMN}, id)")
    for name in before:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}")


def remove(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"CREATE INDEX CONCURRENTLY customer_ledgerentry_{COLUMN} ON {TABLE} ({COLUMN})")
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX.name}")
    else:
        schema_editor.remove_index(apps.get_model("customer", "LedgerEntry"), INDEX)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("customer", "0005_idempotency_keys")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "ledgerentry",
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger",
                        to="customer.account",
                    ),
                ),
                migrations.AddIndex("ledgerentry", INDEX),
            ],
            database_operations=[migrations.RunPython(add, remove)],
        ),
    ]
