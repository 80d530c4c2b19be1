from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchemesConfig(AppConfig):
    name = "supervision.schemes"
    label = "schemes"
    verbose_name = _("Schemes")

    def ready(self) -> None:
        """Let the engine read its deadlines, and the names of their ladders' steps, from schemes."""
        from supervision.schemes.rulebooks import book_for, names_of_ladder_steps
        from workflows.notices import register_ladder_names
        from workflows.rulebook import register_rulebooks

        register_rulebooks(book_for)
        register_ladder_names(names_of_ladder_steps)
