from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "supervision.reports"
    label = "reports"
    verbose_name = _("Reports")

    def ready(self) -> None:
        """Let the clock open the reports of a quarter."""
        from supervision.reports.opening import open_quarterly_reports
        from workflows.openings import register_opening

        register_opening("reports.quarterly", open_quarterly_reports)
