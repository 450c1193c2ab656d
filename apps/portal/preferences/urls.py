"""What a reader sets for themselves."""

from django.urls import path

from apps.portal.preferences import views
from apps.portal.preferences.working import working

urlpatterns = [
    path("preferences/look/", views.choose_look, name="look"),
    path("working-account/", working, name="working-account"),
    path("preferences/keys/", views.choose_keys, name="keys"),
]
