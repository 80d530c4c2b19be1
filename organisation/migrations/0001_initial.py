import django.contrib.auth.validators
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import organisation.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        # A range of words, so that `post_held_once` can compare roles without the btree_gist extension.
        migrations.RunSQL(
            "CREATE TYPE organisation_word_range AS RANGE (subtype = text)",
            "DROP TYPE organisation_word_range",
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                ("id", models.CharField(max_length=21, primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("unit_staff", "unit staff"),
                            ("deputy_in_charge", "deputy in charge"),
                            ("head", "head"),
                            ("performance_office", "performance office"),
                            ("supervisor", "supervision office"),
                            ("leading_group", "leading group"),
                            ("discipline_inspection", "discipline inspection"),
                            ("organisation_department", "organisation department"),
                            ("indicator_department", "indicator-assessing department"),
                            ("auditor", "auditor"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("post", "own post"),
                            ("delegation", "by delegation"),
                            ("absence", "standing in during absence"),
                        ],
                        max_length=10,
                    ),
                ),
                ("begins", models.DateField()),
                ("ends", models.DateField(null=True)),
            ],
            options={
                "db_table": "organisation_standing",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Institution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(unique=True, verbose_name="short name")),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=200, verbose_name="English name")),
                (
                    "time_zone",
                    models.CharField(
                        default="Asia/Shanghai",
                        max_length=50,
                        validators=[organisation.models.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "frozen_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Only for a simulation; empty: the real clock.",
                        null=True,
                        verbose_name="clock stands at",
                    ),
                ),
            ],
            options={
                "verbose_name": "institution",
                "verbose_name_plural": "institutions",
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "This username is taken."},
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="In Chinese: family name first, no space.",
                        max_length=50,
                        verbose_name="name",
                    ),
                ),
                ("name_en", models.CharField(blank=True, max_length=100, verbose_name="name in English")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "language",
                    models.CharField(
                        choices=[("zh-hans", "简体中文"), ("en", "English")],
                        default="zh-hans",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Who is not active can neither sign in nor act for any post.",
                        verbose_name="active",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(default=False, verbose_name="may open the configuration pages"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="people",
                        to="organisation.institution",
                        verbose_name="institution",
                    ),
                ),
            ],
            options={
                "verbose_name": "person",
                "verbose_name_plural": "people",
            },
        ),
        migrations.CreateModel(
            name="Unit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("prefecture", "prefecture"),
                            ("county", "county"),
                            ("township", "township or farm"),
                            ("department", "department"),
                            ("section", "section"),
                            ("subordinate", "subordinate unit"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=200, verbose_name="English name")),
                ("code", models.CharField(blank=True, max_length=50, verbose_name="code")),
                ("path", models.TextField(db_collation="C", default="", editable=False, verbose_name="path")),
                ("begins", models.DateField(verbose_name="first day")),
                ("ends", models.DateField(blank=True, null=True, verbose_name="last day")),
                (
                    "institution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="units",
                        to="organisation.institution",
                        verbose_name="institution",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="organisation.unit",
                        verbose_name="parent unit",
                    ),
                ),
            ],
            options={
                "verbose_name": "unit",
                "verbose_name_plural": "units",
            },
        ),
        migrations.CreateModel(
            name="Post",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("unit_staff", "unit staff"),
                            ("deputy_in_charge", "deputy in charge"),
                            ("head", "head"),
                            ("performance_office", "performance office"),
                            ("supervisor", "supervision office"),
                            ("leading_group", "leading group"),
                            ("discipline_inspection", "discipline inspection"),
                            ("organisation_department", "organisation department"),
                            ("indicator_department", "indicator-assessing department"),
                            ("auditor", "auditor"),
                        ],
                        max_length=30,
                        verbose_name="role",
                    ),
                ),
                ("begins", models.DateField(verbose_name="first day")),
                ("ends", models.DateField(blank=True, null=True, verbose_name="last day")),
                (
                    "institution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="organisation.institution",
                        verbose_name="institution",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="holder",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="organisation.unit",
                        verbose_name="unit",
                    ),
                ),
            ],
            options={
                "verbose_name": "post",
                "verbose_name_plural": "posts",
            },
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins", models.DateField(verbose_name="first day")),
                ("ends", models.DateField(verbose_name="last day")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                (
                    "to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delegations_received",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="delegate",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delegations",
                        to="organisation.post",
                        verbose_name="post",
                    ),
                ),
            ],
            options={
                "verbose_name": "delegation",
                "verbose_name_plural": "delegations",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends__isnull", True), ("ends__gte", models.F("begins")), _connector="OR"
                        ),
                        name="delegation_ends_after_it_begins",
                        violation_error_message="The last day must not be before the first day.",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.F("post"),
                                    models.F("post"),
                                    models.Value("[]"),
                                    function="int8range",
                                    output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    models.F("begins"),
                                    models.F("ends"),
                                    models.Value("[]"),
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="delegation_once_a_day",
                        violation_error_message="This post is already delegated on some of these days.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Absence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins", models.DateField(verbose_name="first day")),
                ("ends", models.DateField(verbose_name="last day")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                (
                    "substitute",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="absences_covered",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="substitute",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="absences",
                        to="organisation.post",
                        verbose_name="post",
                    ),
                ),
            ],
            options={
                "verbose_name": "absence",
                "verbose_name_plural": "absences",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends__isnull", True), ("ends__gte", models.F("begins")), _connector="OR"
                        ),
                        name="absence_ends_after_it_begins",
                        violation_error_message="The last day must not be before the first day.",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.F("post"),
                                    models.F("post"),
                                    models.Value("[]"),
                                    function="int8range",
                                    output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    models.F("begins"),
                                    models.F("ends"),
                                    models.Value("[]"),
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="absence_once_a_day",
                        violation_error_message="An absence is already recorded on some of these days.",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="unit",
            index=models.Index(fields=["path"], name="unit_path", opclasses=["text_pattern_ops"]),
        ),
        migrations.AddIndex(
            model_name="unit",
            index=models.Index(fields=["institution", "path"], name="unit_tree"),
        ),
        migrations.AddConstraint(
            model_name="unit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends__isnull", True), ("ends__gte", models.F("begins")), _connector="OR"
                ),
                name="unit_ends_after_it_begins",
                violation_error_message="The last day must not be before the first day.",
            ),
        ),
        migrations.AddConstraint(
            model_name="unit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ends__isnull", True), models.Q(("code", ""), _negated=True)),
                fields=("institution", "code"),
                name="unit_code_once_per_institution",
                violation_error_message="Another unit of this institution has this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="unit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["prefecture", "county", "township", "department", "section", "subordinate"])
                ),
                name="unit_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(fields=["person", "begins"], name="post_of_person"),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(fields=["institution", "role", "unit", "begins"], name="post_of_role"),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(fields=["unit", "role", "begins"], name="post_of_unit"),
        ),
        migrations.AddConstraint(
            model_name="post",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends__isnull", True), ("ends__gte", models.F("begins")), _connector="OR"
                ),
                name="post_ends_after_it_begins",
                violation_error_message="The last day must not be before the first day.",
            ),
        ),
        migrations.AddConstraint(
            model_name="post",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "role__in",
                        [
                            "unit_staff",
                            "deputy_in_charge",
                            "head",
                            "performance_office",
                            "supervisor",
                            "leading_group",
                            "discipline_inspection",
                            "organisation_department",
                            "indicator_department",
                            "auditor",
                        ],
                    )
                ),
                name="post_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="post",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(
                            models.F("person"),
                            models.F("person"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("unit"),
                            models.F("unit"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("role"),
                            models.F("role"),
                            models.Value("[]"),
                            function="organisation_word_range",
                            output_field=models.TextField(),
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("begins"),
                            models.F("ends"),
                            models.Value("[]"),
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="post_held_once",
                violation_error_message="This person already holds this post on some of these days.",
            ),
        ),
    ]
