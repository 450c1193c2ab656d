"""The pages of virtual machines."""

from django.urls import path

from apps.portal.machines import create_views, views
from apps.portal.machines.list import machine_list

urlpatterns = [
    path("", machine_list, name="machines"),
    path("new/", create_views.machine_create, name="machine-create"),
    path("new/check/", create_views.machine_check, name="machine-check"),
    path("<uuid:uuid>/", views.machine_page, name="machine"),
    path("<uuid:uuid>/live/", views.machine_live, name="machine-live"),
    path("<uuid:uuid>/act/", views.machine_act, name="machine-act"),
]
