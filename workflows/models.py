"""The engine's tables: ledger, work items, notices, rounds, attachments, and what watches over them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from viewflow.workflow.models import AbstractProcess, AbstractTask


class Subject(models.Model):
    """Abstract: a row that speaks of one document, by kind (the model's label) and id."""

    kind = models.CharField(_("kind of document"), max_length=60)
    document_id = models.BigIntegerField(_("document"))

    class Meta:
        abstract = True


class Entry(Subject):
    """台账 One link of a chain: a transition, edit, claim, vote, ladder step or change of rules (append-only)."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", db_index=False
    )
    sequence = models.BigIntegerField()
    version = models.BigIntegerField()
    step = models.CharField(max_length=80)
    from_state = models.CharField(max_length=50, blank=True)
    to_state = models.CharField(max_length=50, blank=True)
    actor = models.BigIntegerField(null=True)
    as_role = models.CharField(max_length=50, blank=True)
    as_unit = models.BigIntegerField(null=True)
    as_post = models.BigIntegerField(null=True)
    acting_for = models.BigIntegerField(null=True)
    decides = models.BooleanField(default=False)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    request_id = models.UUIDField(null=True)
    request_digest = models.BinaryField(null=True)
    rules = models.CharField(max_length=100, blank=True)
    payload_digest = models.BinaryField()
    previous = models.BinaryField()
    digest = models.BinaryField()
    transaction = models.BigIntegerField(
        db_default=models.Func(function="duban_transaction", output_field=models.BigIntegerField())
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "document_id", "sequence"], name="one_entry_per_sequence"
            ),
            models.UniqueConstraint(
                fields=["actor", "request_id", "kind", "document_id"],
                condition=Q(request_id__isnull=False),
                name="one_entry_per_request",
            ),
        ]
        indexes = [models.Index(fields=["institution", "recorded_at"], name="entry_by_day")]


class Payload(Subject):
    """What an entry was decided on, as canonical bytes. Removable only by a ledgered erasure."""

    sequence = models.BigIntegerField()
    salt = models.BinaryField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "document_id", "sequence"], name="one_payload_per_entry")
        ]


class Chain(Subject):
    """The head of a chain that has no document of its own: an institution's posts, rules and calendars."""

    sequence = models.BigIntegerField(default=0)
    head = models.BinaryField(default=b"")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "document_id"], name="one_chain")]


class Seal(models.Model):
    """One day's seal over all chain heads of an institution; a copy kept outside lets an outsider check offline."""

    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    day = models.DateField()
    entries = models.BigIntegerField()
    root = models.BinaryField()
    previous = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "day"], name="one_seal_per_day")]


class Lamp(models.TextChoices):
    GREEN = "green", _("Green")
    YELLOW = "yellow", _("Yellow")
    RED = "red", _("Red")


class WorkItem(Subject):
    """待办 Somebody owes an action on a document by a date: the queue and the deadline table in one row."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", db_index=False
    )
    title = models.CharField(_("title"), max_length=300)
    number = models.CharField(_("number"), max_length=60, blank=True)
    unit = models.ForeignKey("organisation.Unit", models.PROTECT, related_name="+", verbose_name=_("unit"))
    state = models.CharField(max_length=50)
    duty = models.CharField(max_length=80)
    turn = models.PositiveIntegerField(default=1)
    role = models.CharField(max_length=50)
    post_role = models.CharField(max_length=50)
    owner_unit = models.ForeignKey("organisation.Unit", models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey("organisation.Post", models.PROTECT, null=True, related_name="+")
    seat = models.OneToOneField("workflows.Seat", models.PROTECT, null=True, related_name="work_item")
    rerouted_from = models.CharField(max_length=50, blank=True)
    opened_at = models.DateTimeField()
    due_on = models.DateField(null=True)
    due_at = models.DateTimeField()
    original_due_on = models.DateField(null=True)
    derivation = models.JSONField(default=dict)
    provisional = models.BooleanField(default=False)
    lamp = models.CharField(max_length=10, choices=Lamp.choices, default=Lamp.GREEN)
    ladder = models.JSONField(default=list)
    ladder_at = models.PositiveSmallIntegerField(default=0)
    level = models.GeneratedField(
        expression=models.Func("ladder", "ladder_at", function="duban_level"),
        output_field=models.SmallIntegerField(), db_persist=True,
    )  # fmt: skip
    """How far things have come: the highest level of the ladder's steps that were taken."""
    next_step_at = models.DateTimeField(null=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    claimed_at = models.DateTimeField(null=True)
    first_opened_at = models.DateTimeField(null=True)
    first_opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    paused_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    closed_how = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "document_id", "duty"],
                condition=Q(closed_at__isnull=True, seat__isnull=True),
                name="one_open_item_per_duty",
            ),
        ]
        indexes = [
            models.Index(
                fields=["institution", "post_role", "owner_unit", "due_at", "id"],
                condition=Q(
                    closed_at__isnull=True, paused_at__isnull=True, claimed_by__isnull=True, post__isnull=True
                ),
                name="queue_of_role",
            ),
            models.Index(
                fields=["post", "due_at", "id"],
                condition=Q(
                    closed_at__isnull=True,
                    paused_at__isnull=True,
                    claimed_by__isnull=True,
                    post__isnull=False,
                ),
                name="queue_of_post",
            ),
            models.Index(
                fields=["claimed_by", "due_at", "id"],
                condition=Q(closed_at__isnull=True, paused_at__isnull=True, claimed_by__isnull=False),
                name="queue_of_person",
            ),
            models.Index(
                fields=["institution", "next_step_at", "id"],
                condition=Q(closed_at__isnull=True, next_step_at__isnull=False),
                name="due_to_step",
            ),
            models.Index(
                fields=["institution", "rerouted_from"],
                condition=Q(closed_at__isnull=True) & ~Q(rerouted_from=""),
                name="items_rerouted",
            ),
            models.Index(
                fields=["institution", "kind", "lamp", "due_at", "id"],
                condition=Q(closed_at__isnull=True, paused_at__isnull=True),
                name="board_by_lamp",
            ),
            models.Index(
                fields=["institution", "kind", "level", "due_at", "id"],
                condition=Q(closed_at__isnull=True, paused_at__isnull=True, lamp="red"),
                name="board_by_level",
            ),
            models.Index(
                fields=["institution", "unit", "due_at"],
                condition=Q(closed_at__isnull=True),
                name="board_by_unit",
            ),
            models.Index(fields=["kind", "document_id", "opened_at"], name="items_of_document"),
            models.Index(
                fields=["closed_by", "-closed_at"],
                condition=Q(closed_at__isnull=False),
                name="done_by_person",
            ),
        ]


class Counted(models.Model):
    """Abstract: what items are counted by. Paused ones are not counted.

    `status` is the lamp of an open item, else "in_time" or "late"; `level` is that of an open item (else 0), `year` the
    local year in which one was closed (else 0).
    """

    kind = models.CharField(max_length=60)
    status = models.CharField(max_length=10)
    level = models.SmallIntegerField()
    year = models.SmallIntegerField()
    n = models.BigIntegerField()

    class Meta:
        abstract = True


class Census(Counted):
    """统计 How many items stand how, by unit and kind: exact together with the changes that are not folded in yet."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", db_index=False
    )
    unit = models.ForeignKey("organisation.Unit", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "unit", "kind", "status", "level", "year"], name="counted_once"
            )
        ]


class CensusChange(Counted):
    """What a statement changed in the census, written by the triggers of the work items. Refers to nothing, so that it
    waits for nobody; `due_on` is that of red items."""

    institution = models.ForeignKey(
        "organisation.Institution", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    unit = models.ForeignKey(
        "organisation.Unit", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    due_on = models.DateField(null=True)


class CensusOfDue(models.Model):
    """How many red items were due on a day: what their ages are counted from."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=60)
    due_on = models.DateField()
    n = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "kind", "due_on"], name="due_counted_once")
        ]


class CensusOfDay(models.Model):
    """How many items were red and yellow when a day was over; `unit` None: in all units. A row without a kind says that
    the day is counted."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField()
    unit = models.ForeignKey("organisation.Unit", models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=60, blank=True)
    red = models.BigIntegerField()
    yellow = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "unit", "day", "kind"], nulls_distinct=False, name="day_counted_once"
            )
        ]


class Notice(Subject):
    """通知 One thing one person must be told. The row is the notice of record: exactly once, by its key."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="notices", db_index=False
    )
    key = models.CharField(max_length=200)
    code = models.CharField(max_length=80)
    params = models.JSONField(default=dict)
    title = models.CharField(max_length=300)
    urgent = models.BooleanField(default=False)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="one_notice_per_key")]
        indexes = [
            models.Index(fields=["person", "-at", "-id"], name="notices_of_person"),
            models.Index(fields=["person"], condition=Q(read_at__isnull=True), name="unread_of_person"),
            models.Index(fields=["kind", "document_id", "person"], name="notices_of_document"),
        ]


class Round(AbstractProcess, Subject):  # type: ignore[misc]  # viewflow ships no types
    """会签 One short approval by several people; ends by firing exactly one transition of its document.

    `created` and `finished` are viewflow's columns; `outcome` is the step the document left by.
    """

    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    unit = models.ForeignKey("organisation.Unit", models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    opened_version = models.BigIntegerField()
    outcome = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "document_id"],
                condition=Q(finished__isnull=True),
                name="one_open_round_per_document",
            )
        ]


class RoundTask(AbstractTask):  # type: ignore[misc]  # viewflow ships no types
    """One step of a round as viewflow knows it. `need` is pinned when it opens (0: everybody who sits);
    viewflow's `owner` is whose vote or step ended it, `finished` when.
    """

    process: models.ForeignKey[Round, Round] = models.ForeignKey(
        Round, models.CASCADE, related_name="task_set", related_query_name="task"
    )
    need: models.PositiveSmallIntegerField[int, int] = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["process", "status"], name="steps_of_round")]


class Vote(models.TextChoices):
    APPROVE = "approve", _("approve")
    REFUSE = "refuse", _("refuse")
    RECUSE = "recuse", _("withdraw from deciding")
    OVERTAKEN = "overtaken", _("no longer needed")


class Seat(models.Model):
    """席位 One person's place in a step of a round. `post` is whose place; without one, any holder of the role sits."""

    task = models.ForeignKey(RoundTask, models.CASCADE, related_name="seats")
    role = models.CharField(max_length=50)
    post = models.ForeignKey("organisation.Post", models.PROTECT, null=True, related_name="+")
    vote = models.CharField(max_length=12, choices=Vote.choices, blank=True)
    opinion = models.TextField(blank=True)
    voted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    voted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "post"], condition=Q(post__isnull=False), name="one_seat_per_post"
            ),
        ]


class Attachment(Subject):
    """附件 Evidence: the day of the fact and the instant of upload stand apart (practice B7)."""

    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    name = models.CharField(_("file name"), max_length=255)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=100, unique=True)
    fact_on = models.DateField(_("date of the fact"))
    uploaded_at = models.DateTimeField(_("uploaded"))
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(max_length=50)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "document_id"], name="attachments_of_document")]


class Heartbeat(models.Model):
    """When a component was last alive, and what it last found."""

    component = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)


class Finding(Subject):
    """What the auditor found wrong: shown to an operator until it is gone."""

    code = models.CharField(max_length=80)
    params = models.JSONField(default=dict)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "document_id", "code"], name="one_finding_each")
        ]
