"""The pages of roles."""

from django.urls import path

from apps.portal.roles import views

urlpatterns = [
    path("", views.role_list, name="roles"),
    path("new/", views.role_new, name="role-new"),
    path("check/", views.role_check, name="role-check"),
    path("<uuid:uuid>/", views.role_page, name="role"),
    path("<uuid:uuid>/change/", views.role_change, name="role-change"),
    path("<uuid:uuid>/remove/", views.role_remove, name="role-remove"),
]
