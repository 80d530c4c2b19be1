from django.db import migrations

from workflows.protection import REFUSALS, REFUSALS_REVERSED


class Migration(migrations.Migration):
    dependencies = [("workflows", "0001_initial")]

    operations = [migrations.RunSQL(REFUSALS, REFUSALS_REVERSED)]
