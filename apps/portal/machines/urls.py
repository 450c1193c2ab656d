"""The pages of virtual machines."""

from django.urls import path

from apps.portal.machines import bulk, console, create_views, history, placement, settings, transfer, views
from apps.portal.machines.list import machine_list

urlpatterns = [
    path("", machine_list, name="machines"),
    path("new/", create_views.machine_create, name="machine-create"),
    path("new/check/", create_views.machine_check, name="machine-check"),
    path("act/", bulk.machines_act, name="machines-act"),
    path("act/<uuid:number>/", bulk.machines_acted, name="machines-acted"),
    path("<uuid:uuid>/", views.machine_page, name="machine"),
    path("<uuid:uuid>/live/", views.machine_live, name="machine-live"),
    path("<uuid:uuid>/act/", views.machine_act, name="machine-act"),
    path("<uuid:uuid>/act/<slug:verb>/", views.machine_ask, name="machine-ask"),
    path("<uuid:uuid>/console/", console.console_page, name="machine-console"),
    path("<uuid:uuid>/console/live/", console.console_live, name="machine-console-live"),
    path("<uuid:uuid>/console/refresh/", console.console_refresh, name="machine-console-refresh"),
    path("<uuid:uuid>/console/download/", console.console_download, name="machine-console-download"),
    path("<uuid:uuid>/placement/", placement.placement_page, name="machine-placement"),
    path("<uuid:uuid>/placement/hosts/", placement.placement_hosts, name="machine-placement-hosts"),
    path("<uuid:uuid>/history/", history.machine_history, name="machine-history"),
    path("<uuid:uuid>/settings/", settings.machine_settings, name="machine-settings"),
    path("<uuid:uuid>/transfer/", transfer.machine_transfer, name="machine-transfer"),
]
