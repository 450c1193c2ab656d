"""The trash."""

from django.urls import path

from apps.portal.trash import views
from apps.portal.trash.list import trash_list

urlpatterns = [
    path("", trash_list, name="trash"),
    path("act/", views.trash_act, name="trash-act"),
    path("<uuid:uuid>/delete/", views.trash_delete, name="trash-delete"),
]
