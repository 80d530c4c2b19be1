from django.db import migrations

from workflows.protection import protect


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial"), ("workflows", "0002_protection")]

    operations = [
        protect("reports_quarterlyreport", "reports.quarterlyreport"),
    ]
