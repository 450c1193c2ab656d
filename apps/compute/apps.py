from django.apps import AppConfig


class ComputeConfig(AppConfig):
    name = "apps.compute"
