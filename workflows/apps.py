from django.apps import AppConfig
from django.core.checks import register


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from workflows.soundness import check_documents

        register(check_documents)
