from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RectificationConfig(AppConfig):
    name = "supervision.rectification"
    label = "rectification"
    verbose_name = _("Rectification")

    def ready(self) -> None:
        """Let orders, in a room below, open a rectification, and a rectification its measures; say who approves plans."""
        from supervision.rectification import opening
        from supervision.rectification.rounds import LeadershipApproval
        from workflows.effects import register_effect
        from workflows.rounds import register_round

        register_effect("rectification.open", opening.open_rectification)
        register_effect("rectification.open_measures", opening.open_measures)
        register_effect("rectification.begin_measure_again", opening.begin_measure_again)
        register_round("rectification.leadership", LeadershipApproval)
