"""The pages that let people in."""

from django.urls import path

from apps.portal.people import views

urlpatterns = [
    path("invite/", views.invite, name="invite"),
    path("link/", views.fresh_link, name="fresh-link"),
]
