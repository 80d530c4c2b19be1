"""目标 A unit's goals of one year: the goal sheet, its goals with their milestones, and changes after issue (R14-R23, R28-R30)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from organisation.actors import Actor
from supervision import facts
from supervision.goals import ambition
from supervision.goals.conditions import VERDICTS
from supervision.schemes.documents import Supervised
from supervision.schemes.rulebooks import fields_of_cycle
from workflows.lifecycle import StateField
from workflows.scope import oversees, within_reach
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.schemes.models import Cycle


class Indicator(models.TextChoices):
    """How a goal is measured (R17)."""

    NUMBER = "number", _("figure")
    MILESTONE = "milestone", _("milestones")
    SURVEY = "survey", _("public-opinion survey or democratic assessment")


class Nature(models.TextChoices):
    """Whether a development indicator is expected or binding (R18, R19); a binding one that is missed counts as failed."""

    EXPECTED = "expected", _("expected")
    BINDING = "binding", _("binding")


class Move(models.TextChoices):
    """Required moves and bonus moves (R18)."""

    BASE = "base", _("base goal")
    INNOVATION = "innovation", _("innovation goal")


class Publication(models.TextChoices):
    """Within which circle a goal and its course are published (R23, R78)."""

    UNIT = "unit", _("the unit")
    ALL_UNITS = "all_units", _("all units")
    PUBLIC = "public", _("the public")


class GoalSheet(Supervised):
    """目标责任书 One unit's goals for one year, decided as a whole; each of its goals is a document of its own."""

    content: ClassVar[tuple[str, ...]] = ("summary", "why_uncovered")

    state = StateField("supervision.goals.sheet_lifecycle.GoalSheetLifecycle")
    summary = models.TextField(_("guiding idea of the year"), blank=True)
    why_uncovered = models.TextField(
        _("why a field has no goal"),
        blank=True,
        help_text=_("Only when the scheme's fields are not all covered."),
    )
    head_said = models.TextField(_("the head's words at signing"), blank=True, editable=False)
    signed_at = models.DateTimeField(_("signed by the head"), null=True, editable=False)
    asked = models.TextField(_("what the performance office asked for"), blank=True, editable=False)
    issued_at = models.DateTimeField(_("put in force"), null=True, editable=False)
    due_on = models.DateField(_("to be reached by"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    goal_count: int
    unready: int
    unsettled: int
    under_review: int
    awaiting_answer: int
    unfinished: int
    covered: list[str]
    year_ends: date

    cycle: Cycle

    class Meta:
        verbose_name = _("goal sheet")
        verbose_name_plural = _("goal sheets")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["unit", "cycle"], condition=~Q(state="ended"), name="one_goal_sheet_per_unit_and_year"
            )
        ]

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        goals = Goal.objects.filter(sheet=OuterRef("pk")).exclude(state__in=Goal.GIVEN_UP).order_by()
        return {
            "unopened": facts.unopened(cls),
            "goal_count": facts.count(goals, "sheet"),
            "unready": facts.count(goals.filter(state__in=("draft", "returned")), "sheet"),
            "unsettled": facts.count(goals.exclude(state="agreed"), "sheet"),
            "under_review": facts.count(goals.filter(state="under_review"), "sheet"),
            "awaiting_answer": facts.count(goals.filter(state="value_set"), "sheet"),
            "covered": ArraySubquery(goals.values("field").distinct()),
            "unfinished": facts.unfinished_children(cls),
            "year_ends": F("cycle__ends"),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[GoalSheet]:
        return within_reach(cls.objects.all(), actor)

    def told(self) -> Sequence[tuple[Any, str]]:
        """Its goals, for whoever decides on them as a whole. One statement."""
        goals = Goal.objects.filter(sheet=self).exclude(state__in=Goal.GIVEN_UP).order_by("pk")
        return [
            (
                Goal._meta.verbose_name_plural,
                "\n".join(f"{place}. {goal.in_short()}" for place, goal in enumerate(goals, 1)),
            )
        ]

    def uncovered(self) -> list[Text]:
        """Fields of the scheme without a goal (R14); reads the fact `covered`."""
        return [text for key, text in fields_of_cycle(self.cycle_id).items() if key not in self.covered]


class Goal(Supervised):
    """目标 One goal of one unit for one year. `target` is the figure that holds: the unit's, or the office's once accepted or
    upheld; `proposed_target` keeps what the unit had written, so that old and new stand side by side (R28)."""

    GIVEN_UP: ClassVar[tuple[str, ...]] = ("dropped", "withdrawn")
    """States of goals that count for nothing."""
    PUBLISHED: ClassVar[tuple[str, ...]] = ("in_force", "reported", "result_returned", "concluded")
    """States in which a goal is shown to those it is published to."""

    content: ClassVar[tuple[str, ...]] = (
        "title", "field", "basis", "indicator", "nature", "move", "measured_in", "less_is_better", "target", "target_text",
        "last_year", "two_years_ago", "three_years_ago", "is_new", "planned_value", "peer_value", "method", "data_source", "points", "owner",
        "publication",
    )  # fmt: skip
    parts: ClassVar[dict[str, str]] = {"planned_milestones": "goal", "co_units": "goal"}
    parent: ClassVar[str] = "sheet"
    begun_on: ClassVar[str] = "sheet"

    state = StateField("supervision.goals.goal_lifecycle.GoalLifecycle")
    sheet = models.ForeignKey(GoalSheet, models.PROTECT, related_name="goals", verbose_name=_("goal sheet"))
    field = models.CharField(_("field of work"), max_length=40, blank=True)
    basis = models.CharField(
        _("duty or law it rests on"),
        max_length=300,
        blank=True,
        help_text=_("Such as a document number and its article."),
    )
    indicator = models.CharField(
        _("measured by"), max_length=10, choices=Indicator.choices, default=Indicator.NUMBER
    )
    nature = models.CharField(_("nature"), max_length=10, choices=Nature.choices, default=Nature.EXPECTED)
    move = models.CharField(_("base or innovation"), max_length=10, choices=Move.choices, default=Move.BASE)
    measured_in = models.CharField(
        _("unit of measure"), max_length=40, blank=True, help_text=_("Such as % or 10,000 yuan.")
    )
    less_is_better = models.BooleanField(_("less is better"), default=False)
    target = models.DecimalField(_("target"), max_digits=18, decimal_places=4, null=True, blank=True)
    target_text = models.TextField(_("what counts as reached"), blank=True)
    last_year = models.DecimalField(_("last year"), max_digits=18, decimal_places=4, null=True, blank=True)
    two_years_ago = models.DecimalField(
        _("two years ago"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    three_years_ago = models.DecimalField(
        _("three years ago"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    is_new = models.BooleanField(_("set for the first time: no earlier figures"), default=False)
    planned_value = models.DecimalField(
        _("value of the long-term plan"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    peer_value = models.DecimalField(
        _("value of comparable places"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    method = models.TextField(_("statistical method"), blank=True)
    data_source = models.CharField(_("source of the data"), max_length=200, blank=True)
    points = models.DecimalField(_("points"), max_digits=7, decimal_places=2, null=True, blank=True)
    owner = models.CharField(_("person responsible"), max_length=100, blank=True)
    publication = models.CharField(_("published to"), max_length=10, choices=Publication.choices, blank=True)
    proposed_target = models.DecimalField(
        _("target that the unit had proposed"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    office_target = models.DecimalField(
        _("target set by the performance office"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    why_set = models.TextField(_("why the office set it"), blank=True, editable=False)
    objection = models.TextField(_("the unit's objection"), blank=True, editable=False)
    issued_target = models.DecimalField(
        _("target as first issued"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    issued_at = models.DateTimeField(_("put in force"), null=True, editable=False)
    due_on = models.DateField(_("to be reached by"), null=True, editable=False)
    result = models.DecimalField(
        _("result of the year"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    result_text = models.TextField(_("what was achieved"), blank=True, editable=False)
    verdict = models.CharField(_("verdict"), max_length=10, blank=True, editable=False)
    conclusion = models.TextField(_("conclusion of the office"), blank=True, editable=False)
    concluded_at = models.DateTimeField(_("concluded"), null=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    sheet_state: str
    milestone_count: int
    milestones_undated: int
    milestones_without_criterion: int
    first_milestone: date | None
    last_milestone: date | None
    year_begins: date
    year_ends: date
    co_units_without_part: int
    co_units_named_wrongly: int
    milestone_shares: Decimal | None
    milestones_open: int
    open_changes: int

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        dates = PlannedMilestone.objects.filter(goal=OuterRef("pk")).order_by().values("goal")
        return {
            "unopened": facts.unopened(cls),
            "sheet_state": F("sheet__state"),
            "milestone_count": facts.parts(cls, "planned_milestones"),
            "milestones_undated": facts.parts(cls, "planned_milestones", due_on__isnull=True),
            "milestones_without_criterion": facts.parts(cls, "planned_milestones", criterion=""),
            "first_milestone": Subquery(dates.annotate(day=models.Min("due_on")).values("day")),
            "last_milestone": Subquery(dates.annotate(day=models.Max("due_on")).values("day")),
            "year_begins": F("cycle__begins"),
            "year_ends": F("cycle__ends"),
            "co_units_without_part": facts.parts(cls, "co_units", task=""),
            "co_units_named_wrongly": facts.count(
                CoUnit.objects.filter(goal=OuterRef("pk")).filter(
                    Q(unit=OuterRef("unit"))
                    | Exists(
                        CoUnit.objects.filter(
                            goal=OuterRef("goal"), unit=OuterRef("unit"), pk__lt=OuterRef("pk")
                        )
                    )
                ),
                "goal",
            ),
            "milestone_shares": Subquery(
                PlannedMilestone.objects.filter(goal=OuterRef("pk"))
                .order_by()
                .values("goal")
                .annotate(sum=models.Sum("share"))
                .values("sum")
            ),
            "milestones_open": facts.unfinished_children(cls),
            "open_changes": facts.count(
                GoalChange.objects.filter(goal=OuterRef("pk")).exclude(state__in=GoalChange.ENDED), "goal"
            ),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Goal]:
        """Units see their own goals and, once issued, those they have a part in and what is published to all units (R23);
        oversight sees all."""
        own = within_reach(cls.objects.all(), actor)
        if oversees(actor):
            return own
        mine = {c.unit_id for c in actor.capacities if c.unit_id is not None}
        if not mine:
            return own
        ours = cls.objects.filter(institution_id=actor.institution_id)
        shared = ours.filter(
            Exists(CoUnit.objects.filter(goal=OuterRef("pk"), unit__in=mine)), state__in=cls.PUBLISHED
        )
        published = ours.filter(
            publication__in=(Publication.ALL_UNITS, Publication.PUBLIC), state__in=cls.PUBLISHED
        )
        return cls.objects.filter(pk__in=own.values("pk").union(shared.values("pk"), published.values("pk")))

    @property
    def is_number(self) -> bool:
        """Whether its target is a figure; of a goal measured by milestones it is words."""
        return self.indicator != Indicator.MILESTONE

    def choices(self) -> Mapping[str, Sequence[tuple[str, Text]]]:
        return {"field": list(fields_of_cycle(self.cycle_id).items()), "verdict": list(VERDICTS.items())}

    def remarks(self) -> Mapping[str, Text]:
        """Where the target is low beside what was reached, planned or reached elsewhere (R20), and the result short of it (R18)."""
        if not self.is_number:
            return {}
        low = ambition.why_low(self.target, self.compared_with(), less_is_better=self.less_is_better)
        short = ambition.falls_short(
            self.result,
            self.target,
            binding=self.nature == Nature.BINDING,
            less_is_better=self.less_is_better,
        )
        return {name: said for name, said in (("target", low), ("result", short)) if said}

    def in_short(self) -> str:
        """What is aimed at, beside what it is held against, and where the goal stands."""
        aimed = (
            f"{ambition.figure(self.target)} {self.measured_in}".strip()
            if self.is_number
            else self.target_text
        )
        beside = [
            f"{text} {ambition.figure(value)}" for text, value in self.compared_with() if value is not None
        ]
        said = [
            aimed or "—",
            *(beside if self.is_number else ()),
            *map(str, self.remarks().values()),
            str(self.lifecycle.states[self.state].text),
        ]
        return f"{self.title} · {' · '.join(said)}"

    def compared_with(self) -> Sequence[tuple[Text, Decimal | None]]:
        """What the target is held against (R20, R21)."""
        return (
            (ambition.LAST_YEAR, self.last_year),
            (ambition.PLAN, self.planned_value),
            (ambition.PEERS, self.peer_value),
        )


class PlannedMilestone(models.Model):
    """节点 One stage of a goal with its own date and what shows that it is reached (R22)."""

    goal = models.ForeignKey(Goal, models.CASCADE, related_name="planned_milestones")
    text = models.CharField(_("stage"), max_length=300)
    due_on = models.DateField(_("reached by"), null=True, blank=True)
    criterion = models.CharField(_("what shows that it is reached"), max_length=300, blank=True)
    share = models.DecimalField(
        _("share of the year's plan (%)"), max_digits=5, decimal_places=2, null=True, blank=True
    )

    class Meta:
        verbose_name = _("planned milestone")
        verbose_name_plural = _("planned milestones")
        ordering: ClassVar = ["pk"]


class CoUnit(models.Model):
    """配合单位 A unit that has a part of its own in a goal."""

    goal = models.ForeignKey(Goal, models.CASCADE, related_name="co_units")
    unit = models.ForeignKey(
        "organisation.Unit", models.PROTECT, related_name="+", verbose_name=_("co-operating unit")
    )
    task = models.CharField(_("its part"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("co-operating unit of a goal")
        verbose_name_plural = _("co-operating units of a goal")
        ordering: ClassVar = ["pk"]


class Milestone(Supervised):
    """节点 One stage of a goal that was issued: done by its date, and checked by the performance office (R22, R45)."""

    parent: ClassVar[str] = "goal"

    state = StateField("supervision.goals.milestone_lifecycle.MilestoneLifecycle")
    goal = models.ForeignKey(Goal, models.PROTECT, related_name="milestones", verbose_name=_("goal"))
    place = models.PositiveSmallIntegerField(_("number in the goal"))
    criterion = models.CharField(_("what shows that it is reached"), max_length=300)
    share = models.DecimalField(
        _("share of the year's plan (%)"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    due_on = models.DateField(_("reached by"))
    done = models.TextField(_("what was done"), blank=True, editable=False)
    claimed_at = models.DateTimeField(_("claimed reached"), null=True, editable=False)
    reached_at = models.DateTimeField(_("found reached"), null=True, editable=False)
    conclusion = models.TextField(_("conclusion of the check"), blank=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    evidence_count: int
    owed_until: date | None

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["goal", "place"], name="one_milestone_per_place")
        ]

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        return {
            "evidence_count": facts.attachments(cls),
            "owed_until": Coalesce(
                facts.of_open_item(cls, "milestone.finish", "due_on"),
                facts.of_open_item(cls, "milestone.correction", "due_on"),
            ),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Milestone]:
        return within_reach(cls.objects.all(), actor)


class Asks(models.TextChoices):
    """What a change after issue asks for."""

    REVISE = "revise", _("another target")
    WITHDRAW = "withdraw", _("that the goal be withdrawn")


class GoalChange(Supervised):
    """目标调整 A change of a goal that was issued. Until it is approved the goal stands as it was issued.

    Its parent is the sheet, like the goal's: whoever moves either holds the sheet's row, so that they follow each other.
    """

    ENDED: ClassVar[tuple[str, ...]] = ("applied", "declined", "dropped")

    content: ClassVar[tuple[str, ...]] = ("asks", "new_target", "new_target_text", "why")
    parent: ClassVar[str] = "sheet"
    begun_on: ClassVar[str] = "goal"

    state = StateField("supervision.goals.change_lifecycle.GoalChangeLifecycle")
    sheet = models.ForeignKey(GoalSheet, models.PROTECT, related_name="changes", verbose_name=_("goal sheet"))
    goal = models.ForeignKey(Goal, models.PROTECT, related_name="changes", verbose_name=_("goal"))
    asks = models.CharField(_("what is asked"), max_length=10, choices=Asks.choices, default=Asks.REVISE)
    new_target = models.DecimalField(_("new target"), max_digits=18, decimal_places=4, null=True, blank=True)
    new_target_text = models.TextField(_("new words for what counts as reached"), blank=True)
    why = models.TextField(_("why it must change"), blank=True)
    proposed_target = models.DecimalField(
        _("target that the unit had proposed"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    old_target = models.DecimalField(
        _("target so far"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    office_target = models.DecimalField(
        _("target set by the performance office"), max_digits=18, decimal_places=4, null=True, editable=False
    )
    why_set = models.TextField(_("why the office set it"), blank=True, editable=False)
    objection = models.TextField(_("the unit's objection"), blank=True, editable=False)
    head_said = models.TextField(_("the head's words at signing"), blank=True, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    goal_state: str
    goal_target: Decimal | None
    goal_is_words: bool
    year_ends: date

    class Meta:
        verbose_name = _("change of a goal")
        verbose_name_plural = _("changes of goals")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["goal"],
                condition=~Q(state__in=("applied", "declined", "dropped")),
                name="one_open_change_per_goal",
            )
        ]

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        return {
            "unopened": facts.unopened(cls),
            "goal_state": F("goal__state"),
            "goal_target": F("goal__target"),
            "year_ends": F("cycle__ends"),
            "goal_is_words": models.Case(
                models.When(goal__indicator=Indicator.MILESTONE, then=True),
                default=False,
                output_field=models.BooleanField(),
            ),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[GoalChange]:
        return within_reach(cls.objects.all(), actor)

    @classmethod
    def titled_below(cls, above: Any) -> str:
        return f"{above.title[:290]}调整"

    def told(self) -> Sequence[tuple[Any, str]]:
        """The goal as it stands, for whoever decides on the change. One statement."""
        return [(Goal._meta.verbose_name, self.goal.in_short())]

    def remarks(self) -> Mapping[str, Text]:
        """Where the new target is low beside what the goal is held against (R20)."""
        if self.asks == Asks.WITHDRAW or self.new_target is None:
            return {}
        low = ambition.why_low(
            self.new_target, self.goal.compared_with(), less_is_better=self.goal.less_is_better
        )
        return {"new_target": low} if low else {}
