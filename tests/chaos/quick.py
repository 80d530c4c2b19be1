"""Beat as it is, only faster: every bell each second, so that a minute holds what else takes five."""

from config.celery import app

for bell in app.conf.beat_schedule.values():
    bell["schedule"] = min(bell["schedule"], 60) / 10
    bell["options"] = {"expires": 2}

__all__ = ["app"]
