"""Counts what is charged by the minute, as it is charged; what was charged before is counted here.

Invoices that processes of the version before write from here on are in no tally: `manage.py recount_tallies` counts
anew, once they have stopped. Takes no lock but on its own new table.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Count, F, Sum
from django.db.models.functions import TruncMinute

HALF = 2**32


def count(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Invoice, Tally = apps.get_model("invoice", "Invoice"), apps.get_model("invoice", "Tally")
    by_minute = Invoice.objects.annotate(minute=TruncMinute("start_time")).values_list("minute").order_by("minute")
    counted = by_minute.annotate(count=Count("pk"), high=Sum(F("amount") / HALF), low=Sum(F("amount") % HALF))
    rows = (
        Tally(minute=minute, writer=0, invoices=invoices, amount=high * HALF + low)
        for minute, invoices, high, low in counted.iterator()
    )
    Tally.objects.bulk_create(rows, batch_size=1_000)


class Migration(migrations.Migration):

    dependencies = [
        ('invoice', '0002_jobs_that_move_all_the_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minute', models.DateTimeField()),
                ('writer', models.IntegerField(help_text="The database's number of the connection; 0 once they are one row.")),
                ('invoices', models.BigIntegerField()),
                ('amount', models.DecimalField(decimal_places=0, max_digits=38)),
            ],
            options={
                'verbose_name_plural': 'tallies',
                'constraints': [models.UniqueConstraint(fields=('minute', 'writer'), name='tally_one_per_minute_and_writer')],
            },
        ),
        migrations.RunPython(count, migrations.RunPython.noop),
    ]
