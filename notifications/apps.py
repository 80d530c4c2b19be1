from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        """Let the auditor look at deliveries too."""
        from notifications.faults import CHECKS
        from workflows.auditor import register_check

        for code, words, check in CHECKS:
            register_check(code, words, check)
