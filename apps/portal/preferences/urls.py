"""What a reader sets for themselves."""

from django.urls import path

from apps.portal.preferences import views

urlpatterns = [
    path("preferences/look/", views.choose_look, name="look"),
    path("preferences/keys/", views.choose_keys, name="keys"),
]
