"""Search, command palette and shortcuts."""

from django.urls import path

from apps.portal.picker import pick
from apps.portal.search import views

urlpatterns = [
    path("search/", views.search, name="search"),
    path("search/palette/", views.palette, name="palette"),
    path("pick/<slug:kind>/", pick, name="pick"),
    path("shortcuts/", views.shortcuts, name="shortcuts"),
]
