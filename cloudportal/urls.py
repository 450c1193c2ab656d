"""Where each adapter is mounted."""

from django.urls import include, path, re_path

from apps.core.rest import UnknownPath

urlpatterns = [
    path("api/v1/", include("cloudportal.api")),
    re_path(r"^api/", UnknownPath.as_view()),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("apps.portal.urls")),
]

handler400 = "apps.core.rest.bad_request"
handler500 = "apps.core.rest.server_error"
