"""Every address of the site."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.health import healthz

handler500 = "config.unavailable.failed"
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("configuration/", admin.site.urls),
]
if find_spec("supervision.desk.urls"):
    urlpatterns.append(path("", include("supervision.desk.urls")))
