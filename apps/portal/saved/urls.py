"""The dialogs of saved views."""

from django.urls import path

from apps.portal.saved import views

urlpatterns = [
    path("<slug:key>/new/", views.view_save, name="view-save"),
    path("<uuid:uuid>/", views.view_change, name="view-change"),
]
