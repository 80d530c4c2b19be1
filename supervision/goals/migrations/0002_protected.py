from django.db import migrations

from workflows.protection import protect


class Migration(migrations.Migration):
    dependencies = [("goals", "0001_initial"), ("workflows", "0002_protection")]

    operations = [
        protect("goals_goalsheet", "goals.goalsheet"),
        protect("goals_goal", "goals.goal"),
        protect("goals_milestone", "goals.milestone"),
        protect("goals_goalchange", "goals.goalchange"),
    ]
