"""Keeps the jobs' table small where each of its rows is rewritten once a period.

A job's row cannot be updated in place, since the column that moves is indexed. Vacuumed at one changed row in a hundred,
and without a rest, the room of old rows is used again. The lock that this takes lets reads and writes go on.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLE = "django_apscheduler_djangojob"
PARAMETERS = {"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_cost_delay": 0}


def set_parameters(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        values = ", ".join(f"{name} = {value}" for name, value in PARAMETERS.items())
        schema_editor.execute(f"ALTER TABLE {TABLE} SET ({values})")


def reset_parameters(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE {TABLE} RESET ({', '.join(PARAMETERS)})")


class Migration(migrations.Migration):
    dependencies = [
        ("invoice", "0001_initial"),
        ("django_apscheduler", "0009_djangojobexecution_unique_job_executions"),
    ]

    operations = [migrations.RunPython(set_parameters, reset_parameters)]
