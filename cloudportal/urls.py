"""Where each adapter is mounted."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("cloudportal.api")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("apps.portal.urls")),
]
