"""The pages of sizes."""

from django.urls import path

from apps.portal.offerings import views

urlpatterns = [
    path("", views.offering_list, name="offerings"),
    path("new/", views.offering_new, name="offering-new"),
    path("<uuid:uuid>/", views.offering_page, name="offering"),
    path("<uuid:uuid>/change/", views.offering_change, name="offering-change"),
    path("<uuid:uuid>/switch/", views.offering_switch, name="offering-switch"),
    path("<uuid:uuid>/remove/", views.offering_remove, name="offering-remove"),
]
