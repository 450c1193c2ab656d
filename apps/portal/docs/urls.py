"""The documentation."""

from django.urls import path, re_path

from apps.portal.docs import views

urlpatterns = [
    path("", views.docs, name="docs"),
    re_path(r"^(?P<address>.+)$", views.docs, name="docs-page"),
]
