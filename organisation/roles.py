"""The kinds of unit (R1) and the roles a post may carry (R2-R10)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class UnitKind(models.TextChoices):
    """Every tier of R1: 地 prefecture, 县 county, 乡镇场 township or farm, 县直单位 county department,
    科室 section, 所属二级单位 subordinate second-level unit."""

    PREFECTURE = "prefecture", _("prefecture")
    COUNTY = "county", _("county")
    TOWNSHIP = "township", _("township or farm")
    DEPARTMENT = "department", _("department")
    SECTION = "section", _("section")
    SUBORDINATE = "subordinate", _("subordinate unit")


class PostRole(models.TextChoices):
    """What a post is for.

    承办人 unit_staff, 分管领导 deputy_in_charge (directly responsible, R3), 一把手 head (first responsible, R3),
    绩效办 performance_office (R5), 督查室 supervisor (R9), 领导小组 leading_group (R8),
    纪检监察 discipline_inspection and 组织人事 organisation_department (R2), 指标考核部门 indicator_department (R6),
    审计 auditor (reads everything, decides nothing).
    """

    UNIT_STAFF = "unit_staff", _("unit staff")
    DEPUTY_IN_CHARGE = "deputy_in_charge", _("deputy in charge")
    HEAD = "head", _("head")
    PERFORMANCE_OFFICE = "performance_office", _("performance office")
    SUPERVISOR = "supervisor", _("supervision office")
    LEADING_GROUP = "leading_group", _("leading group")
    DISCIPLINE_INSPECTION = "discipline_inspection", _("discipline inspection")
    ORGANISATION_DEPARTMENT = "organisation_department", _("organisation department")
    INDICATOR_DEPARTMENT = "indicator_department", _("indicator-assessing department")
    AUDITOR = "auditor", _("auditor")


class Via(models.TextChoices):
    """How somebody comes to act for a post: it is one's own, it was delegated, or its holder is absent."""

    POST = "post", _("own post")
    DELEGATION = "delegation", _("by delegation")
    ABSENCE = "absence", _("standing in during absence")
