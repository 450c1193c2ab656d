"""The pages of quotas, each by the public id of the account or domain whose it is."""

from django.urls import path

from apps.portal.quotas import acts, shown, views

urlpatterns = [
    path("", shown.quota_list, name="quotas"),
    path("recount/", acts.quota_recount, name="quotas-recount"),
    path("<uuid:uuid>/", views.quota_page, name="quota"),
    path("<uuid:uuid>/change/", views.quota_change, name="quota-change"),
    path("<uuid:uuid>/members/", acts.quota_member_new, name="quota-member-new"),
    path("<uuid:uuid>/members/<uuid:user>/", acts.quota_member, name="quota-member"),
    path("<uuid:uuid>/counting/", acts.quota_counting, name="quota-counting"),
    path("<uuid:uuid>/recount/", acts.quota_recount, name="quota-recount"),
    path("<uuid:uuid>/usage/", views.quota_usage, name="quota-usage"),
]
