"""Migrations on a database that is in use."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, transaction

from subscription import subscriptions

JOBS = import_module("invoice.migrations.0002_jobs_that_move_all_the_time")


def parameters():
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(reloptions) FROM pg_class WHERE relname = %s", [JOBS.TABLE])
        return sorted(option for (option,) in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_the_jobs_table_is_vacuumed_early_and_to_set_that_waits_for_no_writer(make_customer):
    expected = ["autovacuum_vacuum_cost_delay=0", "autovacuum_vacuum_scale_factor=0.01", "fillfactor=70"]
    assert parameters() == expected
    ada = make_customer("ada", credit=5)
    subscriptions.create(customer=ada, name="VM", price=5, isactive=True, by=ada)

    writer = connection.copy()
    try:
        with transaction.atomic(), writer.cursor() as cursor:
            writer.set_autocommit(False)
            cursor.execute(f"UPDATE {JOBS.TABLE} SET next_run_time = next_run_time")
            assert cursor.rowcount == 1
            with connection.schema_editor() as editor:
                editor.execute("SET LOCAL lock_timeout = '1s'")
                JOBS.reset_parameters(apps, editor)
                assert parameters() == []
                JOBS.set_parameters(apps, editor)
            assert parameters() == expected
    finally:
        writer.close()
