from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "supervision.orders"
    label = "orders"
    verbose_name = _("Supervision orders")

    def ready(self) -> None:
        """Let the ladder of reports, in a room below, ask for an order."""
        from supervision.orders.late_reports import LATE_REPORT, open_for_late_report
        from workflows.effects import register_effect

        register_effect(LATE_REPORT, open_for_late_report)
