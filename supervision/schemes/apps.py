from django.apps import AppConfig


class SchemesConfig(AppConfig):
    name = "supervision.schemes"
    label = "schemes"
