import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from workflows.census_writing import LEVEL, LEVEL_REVERSED, RECOUNT, TRIGGERS, TRIGGERS_REVERSED


def count_what_there_is(apps, editor):
    with editor.connection.cursor() as cursor:
        cursor.execute(RECOUNT, {"institution": None})


class Migration(migrations.Migration):
    dependencies = [
        ("organisation", "0003_one_institution"),
        ("workflows", "0002_protection"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(LEVEL, LEVEL_REVERSED),
        migrations.CreateModel(
            name="Census",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=60)),
                ("status", models.CharField(max_length=10)),
                ("level", models.SmallIntegerField()),
                ("year", models.SmallIntegerField()),
                ("n", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="CensusChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=60)),
                ("status", models.CharField(max_length=10)),
                ("level", models.SmallIntegerField()),
                ("year", models.SmallIntegerField()),
                ("n", models.BigIntegerField()),
                ("due_on", models.DateField(null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CensusOfDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("kind", models.CharField(blank=True, max_length=60)),
                ("red", models.BigIntegerField()),
                ("yellow", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="CensusOfDue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=60)),
                ("due_on", models.DateField()),
                ("n", models.BigIntegerField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="workitem",
            name="board_by_lamp",
        ),
        migrations.AddField(
            model_name="workitem",
            name="level",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func("ladder", "ladder_at", function="duban_level"),
                output_field=models.SmallIntegerField(),
            ),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True), ("paused_at__isnull", True)),
                fields=["institution", "kind", "lamp", "due_at", "id"],
                name="board_by_lamp",
            ),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True), ("lamp", "red"), ("paused_at__isnull", True)),
                fields=["institution", "kind", "level", "due_at", "id"],
                name="board_by_level",
            ),
        ),
        migrations.AddField(
            model_name="census",
            name="institution",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisation.institution",
            ),
        ),
        migrations.AddField(
            model_name="census",
            name="unit",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisation.unit",
            ),
        ),
        migrations.AddField(
            model_name="censuschange",
            name="institution",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="organisation.institution",
            ),
        ),
        migrations.AddField(
            model_name="censuschange",
            name="unit",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="organisation.unit",
            ),
        ),
        migrations.AddField(
            model_name="censusofday",
            name="institution",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisation.institution",
            ),
        ),
        migrations.AddField(
            model_name="censusofday",
            name="unit",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisation.unit",
            ),
        ),
        migrations.AddField(
            model_name="censusofdue",
            name="institution",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisation.institution",
            ),
        ),
        migrations.AddConstraint(
            model_name="census",
            constraint=models.UniqueConstraint(
                fields=("institution", "unit", "kind", "status", "level", "year"), name="counted_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="censusofday",
            constraint=models.UniqueConstraint(
                fields=("institution", "unit", "day", "kind"), name="day_counted_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="censusofdue",
            constraint=models.UniqueConstraint(
                fields=("institution", "kind", "due_on"), name="due_counted_once"
            ),
        ),
        migrations.RunSQL(TRIGGERS, TRIGGERS_REVERSED),
        migrations.RunPython(count_what_there_is, migrations.RunPython.noop),
    ]
