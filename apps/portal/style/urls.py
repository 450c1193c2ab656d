"""The style page."""

from django.urls import path

from apps.portal.style.views import style

urlpatterns = [path("style/", style, name="style")]
