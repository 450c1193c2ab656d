"""The pages of virtual machines."""

from django.urls import path

from apps.portal.machines import views
from apps.portal.machines.list import machine_list

urlpatterns = [
    path("", machine_list, name="machines"),
    path("new/", views.machine_create, name="machine-create"),
    path("<uuid:uuid>/", views.machine_page, name="machine"),
    path("<uuid:uuid>/live/", views.machine_live, name="machine-live"),
    path("<uuid:uuid>/act/", views.machine_act, name="machine-act"),
]
