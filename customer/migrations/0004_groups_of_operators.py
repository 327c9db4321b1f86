"""The groups "billing viewer" and "billing operator", and the permissions of the acts for who could do them before."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN = {
    "customer": ("customer", "account", "ledgerentry", "setaside"),
    "subscription": ("subscription", "pause", "pricechange"),
    "invoice": ("invoice",),
    "django_apscheduler": ("djangojob",),
    "admin": ("logentry",),
}
VIEWS = [f"{app}.view_{model}" for app, models in SEEN.items() for model in models]
ACTS = [
    "customer.top_up_account",
    "customer.adjust_account",
    "customer.retry_setaside",
    "customer.repair_setaside",
    "customer.add_customer",
    "customer.change_customer",
    "customer.delete_customer",
    "subscription.add_subscription",
    "subscription.delete_subscription",
    "subscription.switch_subscription",
    "subscription.change_price",
]
GROUPS = {"billing viewer": VIEWS, "billing operator": VIEWS + ACTS}
# What an act asked for before it had a permission of its own.
BEFORE = {
    "customer.top_up_account": "customer.change_account",
    "customer.adjust_account": "customer.change_account",
    "customer.retry_setaside": "customer.change_setaside",
    "customer.repair_setaside": "customer.change_setaside",
    "subscription.switch_subscription": "subscription.change_subscription",
    "subscription.change_price": "subscription.change_subscription",
}


def make_groups(apps, schema_editor):
    """Makes both groups with their permissions. A group of such a name that is there already stays as it is."""
    using = schema_editor.connection.alias
    make_permissions(apps, using)
    Group = apps.get_model("auth", "Group")
    for name, permissions in GROUPS.items():
        group, made = Group.objects.using(using).get_or_create(name=name)
        if made:
            group.permissions.set([find(apps, using, permission) for permission in permissions])
    for act, before in BEFORE.items():
        permission, asked = find(apps, using, act), find(apps, using, before)
        for group in Group.objects.using(using).filter(permissions=asked):
            group.permissions.add(permission)
        for member in apps.get_model("customer", "Customer").objects.using(using).filter(user_permissions=asked):
            member.user_permissions.add(permission)


def remove_groups(apps, schema_editor):
    """Removes the groups that nobody changed and nobody is in."""
    using = schema_editor.connection.alias
    Customer = apps.get_model("customer", "Customer")
    for name, permissions in GROUPS.items():
        for group in apps.get_model("auth", "Group").objects.using(using).filter(name=name):
            ours = {find(apps, using, permission).pk for permission in permissions}
            untouched = ours == set(group.permissions.values_list("pk", flat=True))
            if untouched and not Customer.objects.using(using).filter(groups=group).exists():
                group.delete()


def make_permissions(apps, using):
    """Makes those that `migrate` would make when all is done, which is too late for the groups."""
    for app in SEEN:
        config = apps.get_app_config(app)
        had = getattr(config, "models_module", None)
        config.models_module = had or True  # else a migration's app is taken for one without models
        create_permissions(config, apps=apps, verbosity=0, using=using)
        config.models_module = had


def find(apps, using, permission):
    app, codename = permission.split(".")
    return apps.get_model("auth", "Permission").objects.using(using).get(
        content_type__app_label=app, codename=codename
    )


class Migration(migrations.Migration):
    dependencies = [
        ("customer", "0003_login_counters"),
        ("subscription", "0003_permission_for_each_act"),
        ("invoice", "0001_initial"),
        ("django_apscheduler", "0009_djangojobexecution_unique_job_executions"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, remove_groups)]
