from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "supervision.orders"
    label = "orders"
