"""Beat as it is, only faster: every bell each second or few, so that a minute holds what else takes ten.

Without the bell that seals days: these tests draft documents in the past, on days that would be sealed by then.
"""

from config.celery import app

del app.conf.beat_schedule["seal"]
for bell in app.conf.beat_schedule.values():
    bell["schedule"] = bell["schedule"] / 10
    bell["options"] = {"expires": 2}

__all__ = ["app"]
