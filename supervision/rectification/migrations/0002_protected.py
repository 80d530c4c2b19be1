from django.db import migrations

from workflows.protection import protect


class Migration(migrations.Migration):
    dependencies = [("rectification", "0001_initial"), ("workflows", "0002_protection")]

    operations = [
        protect("rectification_rectification", "rectification.rectification"),
        protect("rectification_measure", "rectification.measure"),
    ]
