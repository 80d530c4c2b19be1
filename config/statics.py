"""Which static files are ours to serve."""

from typing import Any

from django.apps import apps
from django.contrib.staticfiles.finders import AppDirectoriesFinder


class OwnAppsFinder(AppDirectoriesFinder):
    """Static folders of all apps but viewflow's: its screens are not used and its folder holds 49 MB."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        wanted = {config.name for config in apps.get_app_configs() if not config.name.startswith("viewflow")}
        super().__init__(wanted if app_names is None else wanted & set(app_names), *args, **kwargs)
