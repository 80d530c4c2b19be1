from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "supervision.desk"
    label = "desk"
