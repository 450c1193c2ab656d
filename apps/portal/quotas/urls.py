"""The pages of quotas, each by the public id of the account or domain whose it is."""

from django.urls import path

from apps.portal.quotas import views

urlpatterns = [
    path("", views.quota_list, name="quotas"),
    path("<uuid:uuid>/", views.quota_page, name="quota"),
    path("<uuid:uuid>/change/", views.quota_change, name="quota-change"),
    path("<uuid:uuid>/usage/", views.quota_usage, name="quota-usage"),
]
