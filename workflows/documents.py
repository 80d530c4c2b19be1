"""Document: anything with a lifecycle, and the three ways a request to move one can be turned down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from workflows.words import Reason, Text

if TYPE_CHECKING:
    from organisation.actors import Actor
    from workflows.lifecycle import Lifecycle


class Refused(Exception):
    """The step may not be taken; every unmet condition is in `reasons`."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__("; ".join(str(reason) for reason in reasons))
        self.reasons = reasons


class Stale(Exception):
    """Somebody moved the document since it was read: by whom, when, by which step, and where it stands now."""

    def __init__(self, *, state: str, version: int, step: str, by: int | None, at: datetime | None) -> None:
        super().__init__(f"now {state} (version {version}) by {step}")
        self.state, self.version, self.step, self.by, self.at = state, version, step, by, at


class Conflict(Exception):
    """The request id was used before with other content (HTTP 409)."""


class Document(models.Model):
    """事项. Every concrete kind adds `state = StateField("path.to.Lifecycle")` and its own content.

    Written only by `workflows.fire`: `state` is protected by django_fsm and by a database trigger.
    """

    lifecycle: ClassVar[type[Lifecycle[Any]]]
    content: ClassVar[tuple[str, ...]] = ()
    """Fields that may be edited in a state that names an editor."""
    parts: ClassVar[dict[str, str]] = {}
    """Rows that belong to the document and are edited with it: related name -> the part's foreign key to it."""
    parent: ClassVar[str] = ""
    """Foreign key to the document whose row is locked first: its guards read this one."""

    begun_on: ClassVar[str] = ""
    """Foreign key to the document on whose page a person begins one of these."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", verbose_name=_("institution")
    )
    unit = models.ForeignKey("organisation.Unit", models.PROTECT, related_name="+", verbose_name=_("unit"))
    title = models.CharField(_("title"), max_length=300)
    number = models.CharField(_("number"), max_length=60, blank=True)
    version = models.BigIntegerField(default=0, editable=False)
    workers = ArrayField(models.BigIntegerField(), default=list, editable=False)
    signers = ArrayField(models.CharField(max_length=80), default=list, editable=False)
    """Who signed it in which role, as "head:12"."""
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False, db_index=False
    )
    moved_step = models.CharField(max_length=80, blank=True, editable=False)
    moved_at = models.DateTimeField(null=True, editable=False)
    ledger_sequence = models.BigIntegerField(default=0, editable=False)
    ledger_head = models.BinaryField(default=b"", editable=False)

    class Meta:
        abstract = True

    state: Any
    institution_id: int
    unit_id: int
    moved_by_id: int | None

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()

    @classmethod
    def kind(cls) -> str:
        """The label under which ledger, items and notices name this kind of document."""
        return cls._meta.label_lower

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        """Expressions for what guards read on other rows; read after the lock, under the parent's lock."""
        return {}

    @classmethod
    def titled_below(cls, above: Any) -> str:
        """The title of one that is begun on this document; "" where whoever begins it writes one."""
        return ""

    def choices(self) -> Mapping[str, Sequence[tuple[str, Text]]]:
        """Fields whose values the document's scheme names: each value with what it is called."""
        return {}

    def remarks(self) -> Mapping[str, Text]:
        """What a reader should know about a value that stands: by field, shown beside it."""
        return {}

    def told(self) -> Sequence[tuple[Any, str]]:
        """What whoever decides on it must know beyond its own fields and parts: labels and texts."""
        return ()

    def in_short(self) -> str:
        """How it is named where it is one of several: title and where it stands."""
        state = self.lifecycle.states.get(self.state)
        return f"{self} · {state.text if state else self.state}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Any]:
        """The one scope: what this actor may see, for every page, list, count and download.

        Unless a kind says otherwise: the whole institution for posts of oversight, else the units below one's own.
        """
        from workflows.scope import within_reach

        return within_reach(cls._default_manager.all(), actor)

    @classmethod
    def sees_everything(cls, actor: Actor) -> bool:
        """Whether `visible_to` is the whole institution for this actor: then no row need be asked about by itself."""
        from workflows.scope import oversees

        return oversees(actor)


def document_kinds() -> Sequence[type[Document]]:
    """Every concrete kind of document, parents before children, then by name: the order in which rows are locked."""
    kinds = [model for model in apps.get_models() if issubclass(model, Document)]
    return sorted(kinds, key=lambda model: (depth_of(model), model.kind()))


def model_of(kind: str) -> type[Document]:
    """The model behind a stored kind. Raises LookupError for one that no longer exists."""
    model = apps.get_model(kind)
    if not issubclass(model, Document):
        raise LookupError(kind)
    return model


def parent_of(model: type[Document]) -> type[Document] | None:
    if not model.parent:
        return None
    related: type[Document] = model._meta.get_field(model.parent).related_model  # type: ignore[assignment]
    return related


def parent_column(model: type[Document]) -> str:
    """The column that names the parent, of a kind that has one."""
    return str(model._meta.get_field(model.parent).column)  # type: ignore[union-attr]


def depth_of(model: type[Document]) -> int:
    above = parent_of(model)
    return 0 if above is None else 1 + depth_of(above)
