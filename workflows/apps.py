from django.apps import AppConfig
from django.core.checks import register


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from calendars.publishing import on_published
        from workflows.calendar_changes import calendar_published
        from workflows.soundness import check_documents

        register(check_documents)
        on_published.append(calendar_published)
