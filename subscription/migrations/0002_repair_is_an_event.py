from django.db import migrations, models

EVENTS = [
    ("creation", "Creation"),
    ("activation", "Activation"),
    ("deactivation", "Deactivation"),
    ("deletion", "Deletion"),
    ("price_change", "Price Change"),
    ("top_up", "Top Up"),
    ("adjustment", "Adjustment"),
    ("charge", "Charge"),
    ("repair", "Repair"),
]


class Migration(migrations.Migration):
    """Choices only: the tables stay as they are."""

    dependencies = [("subscription", "0001_initial")]

    operations = [
        migrations.AlterField("pause", "paused_on", models.CharField(choices=EVENTS, max_length=16)),
        migrations.AlterField("pause", "resumed_on", models.CharField(blank=True, choices=EVENTS, max_length=16)),
    ]
