"""Who is who, and who holds what from which day to which day (R1-R10). All days are the institution's local days, inclusive."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from organisation.roles import PostRole, UnitKind, Via

LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]


def in_reader_language(zh: str, en: str) -> str:
    """The Chinese or the English name, by the active language; the Chinese one where no English one was given."""
    return en if en and (get_language() or "zh-hans").startswith("en") else zh


def validate_time_zone(value: str) -> None:
    """Raises ValidationError unless `value` is an IANA zone such as Asia/Shanghai."""
    if value not in available_timezones():
        raise ValidationError(
            _("%(zone)s is not a time zone, such as Asia/Shanghai."), params={"zone": value}
        )


# Equality inside an exclusion constraint without the btree_gist extension, which the embedded PostgreSQL does not
# carry: two one-element ranges overlap exactly when their elements are equal.
def _same(field: str) -> tuple[Func, str]:
    one = Func(F(field), F(field), Value("[]"), function="int8range", output_field=BigIntegerRangeField())
    return one, RangeOperators.OVERLAPS


def _same_word(field: str) -> tuple[Func, str]:
    one = Func(
        F(field), F(field), Value("[]"), function="organisation_word_range", output_field=models.TextField()
    )
    return one, RangeOperators.OVERLAPS


def _overlapping_days() -> tuple[Func, str]:
    days = Func(F("begins"), F("ends"), Value("[]"), function="daterange", output_field=DateRangeField())
    return days, RangeOperators.OVERLAPS


def _ends_after_it_begins(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(ends__isnull=True) | Q(ends__gte=F("begins")),
        name=name,
        violation_error_message=_("The last day must not be before the first day."),
    )


class DatedQuerySet(models.QuerySet[Any]):
    """Rows with `begins` and `ends`, both inclusive; no `ends` means until further notice."""

    def on(self, day: date) -> Self:
        """The rows in force on that day."""
        return self.filter(Q(ends__isnull=True) | Q(ends__gte=day), begins__lte=day)

    def touching(self, begins: date, ends: date | None) -> Self:
        """The rows in force on at least one day from `begins` to `ends` (None: for ever)."""
        rows = self.filter(Q(ends__isnull=True) | Q(ends__gte=begins))
        return rows if ends is None else rows.filter(begins__lte=ends)


class Institution(models.Model):
    """The whole that every row belongs to. Its clock is real, or stands at `frozen_at` for a simulation."""

    slug = models.SlugField(_("short name"), unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=50, default="Asia/Shanghai", validators=[validate_time_zone]
    )
    frozen_at = models.DateTimeField(
        _("clock stands at"),
        null=True,
        blank=True,
        help_text=_("Only for a simulation; empty: the real clock."),
    )

    class Meta:
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")

    def __str__(self) -> str:
        return in_reader_language(self.name_zh, self.name_en)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class PersonManager(BaseUserManager["Person"]):
    def create_user(
        self,
        username: str,
        password: str | None = None,
        *,
        institution: Institution | int,
        name: str,
        **fields: Any,
    ) -> Person:
        """A new person who may sign in with `password` (none given: may not). `institution` is a row or its id."""
        if not username:
            raise ValueError("a person needs a username")
        if isinstance(institution, int):
            fields["institution_id"] = institution
        else:
            fields["institution"] = institution
        person = self.model(username=self.model.normalize_username(username), name=name, **fields)
        person.email = self.normalize_email(person.email)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(
        self,
        username: str,
        password: str | None = None,
        *,
        institution: Institution | int,
        name: str,
        **fields: Any,
    ) -> Person:
        """A person who may also configure everything in the admin. It gives no post, hence no say in any document."""
        fields |= {"is_staff": True, "is_superuser": True}
        return self.create_user(username, password, institution=institution, name=name, **fields)


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who can sign in. What one may do follows from posts, never from this row."""

    username = models.CharField(
        _("username"),
        max_length=150,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("This username is taken.")},
    )
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="people", verbose_name=_("institution")
    )
    name = models.CharField(_("name"), max_length=50, help_text=_("In Chinese: family name first, no space."))
    name_en = models.CharField(_("name in English"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES, default="zh-hans")
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Who is not active can neither sign in nor act for any post.")
    )
    is_staff = models.BooleanField(_("may open the configuration pages"), default=False)

    objects: ClassVar[PersonManager] = PersonManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["institution", "name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return in_reader_language(self.name, self.name_en)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class Unit(models.Model):
    """A node of the organisation tree.

    `path` holds the ids from the root down to the unit itself ("1/5/7/"). The database writes it from `parent`
    and refuses to move a unit: a reorganisation ends one unit and begins another, so that the tree of any past
    day can still be read.
    """

    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="units", db_index=False, verbose_name=_("institution")
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent unit")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=UnitKind.choices)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)
    code = models.CharField(_("code"), max_length=50, blank=True)
    # "C": a subtree stands together in the index whatever the database's language makes of slashes.
    path = models.TextField(_("path"), editable=False, default="", db_collation="C")
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            _ends_after_it_begins("unit_ends_after_it_begins"),
            models.UniqueConstraint(
                fields=["institution", "code"],
                condition=Q(ends__isnull=True) & ~Q(code=""),
                name="unit_code_once_per_institution",
                violation_error_message=_("Another unit of this institution has this code."),
            ),
            models.CheckConstraint(condition=Q(kind__in=UnitKind.values), name="unit_kind_known"),
        ]
        indexes = [
            models.Index(fields=["path"], opclasses=["text_pattern_ops"], name="unit_path"),
            models.Index(fields=["institution", "path"], name="unit_tree"),
        ]

    def __str__(self) -> str:
        return in_reader_language(self.name_zh, self.name_en)

    def save(self, *args: Any, **kwargs: Any) -> None:
        born = self._state.adding
        super().save(*args, **kwargs)
        if born:
            self.refresh_from_db(fields=["path"])

    def clean(self) -> None:
        if self.parent and self.parent.institution_id != self.institution_id:
            raise ValidationError({"parent": _("The parent unit belongs to another institution.")})
        if self.pk and Unit.objects.filter(pk=self.pk).exclude(parent_id=self.parent_id).exists():
            raise ValidationError({"parent": _("A unit is not moved: end it, and begin a new one.")})

    @property
    def ancestor_ids(self) -> list[int]:
        """Ids from the root down to the unit itself, without a query."""
        return [int(part) for part in self.path.split("/") if part]


class Post(models.Model):
    """A person holds a role in a unit from a day to a day (R3). Written by `organisation.changes` only."""

    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="posts", db_index=False, verbose_name=_("institution")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="posts", db_index=False, verbose_name=_("holder")
    )
    role = models.CharField(_("role"), max_length=30, choices=PostRole.choices)
    unit = models.ForeignKey(
        Unit, models.PROTECT, related_name="posts", db_index=False, verbose_name=_("unit")
    )
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        constraints = [
            _ends_after_it_begins("post_ends_after_it_begins"),
            models.CheckConstraint(condition=Q(role__in=PostRole.values), name="post_role_known"),
            ExclusionConstraint(
                name="post_held_once",
                expressions=[_same("person"), _same("unit"), _same_word("role"), _overlapping_days()],
                violation_error_message=_("This person already holds this post on some of these days."),
            ),
        ]
        indexes = [
            models.Index(fields=["person", "begins"], name="post_of_person"),
            models.Index(fields=["institution", "role", "unit", "begins"], name="post_of_role"),
            models.Index(fields=["unit", "role", "begins"], name="post_of_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.get_role_display()} {self.person}"


class Absence(models.Model):
    """The holder of a post is away (leave, travel, study) from a day to a day, with the substitute named if there is one."""

    post = models.ForeignKey(Post, models.PROTECT, related_name="absences", verbose_name=_("post"))
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"))
    substitute = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="absences_covered",
        verbose_name=_("substitute"),
    )
    reason = models.CharField(_("reason"), max_length=500)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [
            _ends_after_it_begins("absence_ends_after_it_begins"),
            ExclusionConstraint(
                name="absence_once_a_day",
                expressions=[_same("post"), _overlapping_days()],
                violation_error_message=_("An absence is already recorded on some of these days."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.post} {self.begins}/{self.ends}"


class Delegation(models.Model):
    """One post exercised by another person from a day to a day (代理). It never lets anyone approve their own work."""

    post = models.ForeignKey(Post, models.PROTECT, related_name="delegations", verbose_name=_("post"))
    to = models.ForeignKey(
        Person, models.PROTECT, related_name="delegations_received", verbose_name=_("delegate")
    )
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=500)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("delegation")
        verbose_name_plural = _("delegations")
        constraints = [
            _ends_after_it_begins("delegation_ends_after_it_begins"),
            ExclusionConstraint(
                name="delegation_once_a_day",
                expressions=[_same("post"), _overlapping_days()],
                violation_error_message=_("This post is already delegated on some of these days."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.post} -> {self.to} {self.begins}/{self.ends}"


class Standing(models.Model):
    """Who may act for which post on a day: the view `organisation_standing`, the one truth for it.

    One row for each post (also while its holder is away: the holder may still act) and one for each delegation and
    each absence with a substitute, clipped to the post's own days. Only people who are active, and only inside one
    institution. A delegate's own delegation is not followed: there are no chains.
    """

    id = models.CharField(primary_key=True, max_length=21)
    institution = models.ForeignKey(Institution, models.DO_NOTHING, related_name="+")
    post = models.ForeignKey(Post, models.DO_NOTHING, related_name="+")
    role = models.CharField(max_length=30, choices=PostRole.choices)
    unit = models.ForeignKey(Unit, models.DO_NOTHING, related_name="+")
    holder = models.ForeignKey(Person, models.DO_NOTHING, related_name="+")
    person = models.ForeignKey(Person, models.DO_NOTHING, related_name="+")
    via = models.CharField(max_length=10, choices=Via.choices)
    begins = models.DateField()
    ends = models.DateField(null=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "organisation_standing"

    def __str__(self) -> str:
        return f"{self.person} {self.get_via_display()} {self.get_role_display()}"
