from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import register

if TYPE_CHECKING:
    from organisation.actors import Actor


def _record_change_of_posts(
    institution_id: int, what: str, facts: Mapping[str, Any], by: Actor, at: datetime
) -> None:
    """Units, posts, delegations and absences stand in the institution's chain like everything that decides who may act."""
    from workflows.ledger import record_institution

    record_institution(institution_id, "posts", what, facts, by=by, at=at)


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        from calendars.publishing import on_published
        from organisation.changes import on_changed
        from workflows import attachments, statements
        from workflows.auditor import register_check
        from workflows.calendar_changes import calendar_published
        from workflows.soundness import check_documents

        register(check_documents)
        connection_created.connect(statements.keep_prepared)
        on_published.append(calendar_published)
        on_changed.append(_record_change_of_posts)
        register_check(attachments.MISSING, attachments.MISSING_WORDS, attachments.still_missing)
