from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GoalsConfig(AppConfig):
    name = "supervision.goals"
    label = "goals"
    verbose_name = _("Goals")

    def ready(self) -> None:
        """Say what follows from decisions on goals, and who decides."""
        from supervision.goals import consequences, rounds
        from workflows.effects import register_effect
        from workflows.rounds import register_round

        register_effect("goals.submit", consequences.submit_goals)
        register_effect("goals.issue", consequences.issue_goals)
        register_effect("goals.open_milestones", consequences.open_milestones)
        register_effect("goals.cancel_milestones", consequences.cancel_milestones)
        register_effect("goals.drop", consequences.drop_goals)
        register_effect("goals.hands_of_milestone", consequences.hands_of_milestone)
        register_effect("goals.apply_change", consequences.apply_change)
        register_round("goals.leadership", rounds.SheetDecision)
        register_round("goals.objection", rounds.ObjectionDecision)
        register_round("goals.change", rounds.ChangeDecision)
        register_round("goals.change_objection", rounds.ChangeObjectionDecision)
