"""What of viewflow is kept from visitors: it is used as an engine, its screens are not ours.

Its static folder holds 49 MB, and its templates would answer for ours where we have none (404.html, base.html).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import viewflow
from django.apps import apps
from django.contrib.staticfiles.finders import AppDirectoriesFinder
from django.template import Origin
from django.template.loaders.app_directories import Loader


class OwnStatics(AppDirectoriesFinder):
    """Static folders of all apps but viewflow's."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        wanted = {config.name for config in apps.get_app_configs() if not config.name.startswith("viewflow")}
        super().__init__(wanted if app_names is None else wanted & set(app_names), *args, **kwargs)


class OwnTemplates(Loader):
    """Templates of all apps; of viewflow's only those under `viewflow/`, which its drawings need."""

    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        """As the base class; its errors too."""
        foreign = Path(viewflow.__file__).parent
        for origin in super().get_template_sources(template_name):
            if template_name.startswith("viewflow/") or not Path(origin.name).is_relative_to(foreign):
                yield origin
