"""Configuration pages. Whatever decides who may act goes through `organisation.changes`; here it is only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from organisation.models import Absence, Delegation, Institution, Person, Post, Unit

if TYPE_CHECKING:  # they take their model as a parameter for the type checker only
    Table = admin.ModelAdmin[Any]
    People = UserAdmin[Any]
else:
    Table, People = admin.ModelAdmin, UserAdmin


def _own(request: HttpRequest) -> int:
    """The institution of whoever is signed in; these pages open to nobody else."""
    return cast(Person, request.user).institution_id


class OwnInstitution(Table):
    """Nobody sees across institutions here either, except who administers the installation (superuser)."""

    to_institution = "institution"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(**{self.to_institution: _own(request)})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.related_model is Institution and not request.user.is_superuser:
            kwargs["queryset"] = Institution.objects.filter(pk=_own(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what has ever been written here stands behind somebody's decision


class ReadOnly(OwnInstitution):
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Institution)
class InstitutionAdmin(OwnInstitution):
    to_institution = "pk"
    list_display = ["slug", "name_zh", "name_en", "time_zone", "frozen_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Institution | None = None) -> list[str]:
        return ["time_zone"] if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # the clock is among its fields


@admin.register(Unit)
class UnitAdmin(OwnInstitution):
    """Names, kind and code can be corrected; a unit's life and place in the tree cannot."""

    list_display = ["name_zh", "name_en", "kind", "code", "begins", "ends"]
    list_filter = ["kind"]
    search_fields = ["name_zh", "name_en", "code"]
    readonly_fields = ["institution", "parent", "begins", "ends"]
    list_select_related = ["institution", "parent"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class NewPersonForm(AdminUserCreationForm):
    class Meta:
        model = Person
        fields = ["username", "institution", "name"]


@admin.register(Person)
class PersonAdmin(OwnInstitution, People):
    add_form = NewPersonForm
    list_display = ["username", "name", "name_en", "institution", "is_active"]
    list_filter = ["is_active", "language"]
    list_select_related = ["institution"]
    search_fields = ["username", "name", "name_en"]
    fieldsets = [
        (None, {"fields": ["username", "password", "institution"]}),
        (None, {"fields": ["name", "name_en", "email", "language", "is_active"]}),
        (_("Configuration pages"), {"fields": ["is_staff", "is_superuser", "groups", "user_permissions"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "institution", "name", "usable_password", "password1", "password2"]})
    ]

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        # Whoever can set a password can become its owner.
        if obj is not None and (obj.is_staff or obj.is_superuser) and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> list[str]:
        fixed = ["institution"] if obj else []
        if not request.user.is_superuser:  # nobody raises their own rights
            fixed += ["is_staff", "is_superuser", "groups", "user_permissions"]
        return fixed


@admin.register(Post)
class PostAdmin(ReadOnly):
    list_display = ["person", "role", "unit", "begins", "ends"]
    list_filter = ["role"]
    list_select_related = ["person", "unit"]
    search_fields = ["person__name", "person__name_en", "unit__name_zh", "unit__name_en"]


@admin.register(Delegation)
class DelegationAdmin(ReadOnly):
    to_institution = "post__institution"
    list_display = ["post", "to", "begins", "ends", "reason"]
    list_select_related = ["post__unit", "post__person", "to"]


@admin.register(Absence)
class AbsenceAdmin(ReadOnly):
    to_institution = "post__institution"
    list_display = ["post", "substitute", "begins", "ends", "reason"]
    list_select_related = ["post__unit", "post__person", "substitute"]
