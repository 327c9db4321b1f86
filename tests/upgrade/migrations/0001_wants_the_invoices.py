from django.db import migrations


class Migration(migrations.Migration):
    operations = [migrations.RunSQL("LOCK TABLE invoice_invoice IN ACCESS EXCLUSIVE MODE", "SELECT 1")]
