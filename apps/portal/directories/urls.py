"""The pages of directories."""

from django.urls import path

from apps.portal.directories import views

urlpatterns = [
    path("", views.directory_list, name="directories"),
    path("new/", views.directory_new, name="directory-new"),
    path("<uuid:uuid>/", views.directory_page, name="directory"),
    path("<uuid:uuid>/change/", views.directory_change, name="directory-change"),
    path("<uuid:uuid>/test/", views.directory_test, name="directory-test"),
    path("<uuid:uuid>/switch/", views.directory_switch, name="directory-switch"),
    path("<uuid:uuid>/remove/", views.directory_remove, name="directory-remove"),
]
