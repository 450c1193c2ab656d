"""The pages of grants: who holds which role where."""

from django.urls import path

from apps.portal.grants import views

urlpatterns = [
    path("", views.grant_list, name="grants"),
    path("new/", views.grant_new, name="grant-new"),
    path("check/", views.grant_check, name="grant-check"),
    path("<uuid:uuid>/", views.grant_page, name="grant"),
    path("<uuid:uuid>/extend/", views.grant_extend, name="grant-extend"),
    path("<uuid:uuid>/revoke/", views.grant_revoke, name="grant-revoke"),
]
