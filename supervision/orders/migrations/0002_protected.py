from django.db import migrations

from workflows.protection import protect


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("workflows", "0002_protection")]

    operations = [
        protect("orders_supervisionorder", "orders.supervisionorder"),
    ]
