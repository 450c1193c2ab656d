"""The pages of SSH keys."""

from django.urls import path

from apps.portal.keys import views
from apps.portal.keys.list import key_list

urlpatterns = [
    path("", key_list, name="ssh-keys"),
    path("new/", views.key_create, name="ssh-key-create"),
    path("<uuid:uuid>/", views.key_page, name="ssh-key"),
    path("<uuid:uuid>/delete/", views.key_delete, name="ssh-key-delete"),
]
