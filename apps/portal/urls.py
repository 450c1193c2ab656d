"""Web pages, by section."""

from django.urls import include, path

from apps.portal.home.views import home

app_name = "portal"
urlpatterns = [
    path("", home, name="home"),
    path("", include("apps.portal.session.urls")),
    path("", include("apps.portal.preferences.urls")),
    path("", include("apps.portal.style.urls")),
    path("", include("apps.portal.search.urls")),
    path("docs/", include("apps.portal.docs.urls")),
    path("launch/", include("apps.portal.launch.urls")),
    path("infrastructure/", include("apps.portal.infrastructure.urls")),
    path("people/", include("apps.portal.people.urls")),
    path("roles/", include("apps.portal.roles.urls")),
    path("grants/", include("apps.portal.grants.urls")),
    path("", include("apps.portal.mapping.urls")),
    path("directories/", include("apps.portal.directories.urls")),
    path("people/", include("apps.portal.access.urls")),
    path("", include("apps.portal.account.urls")),
    path("", include("apps.portal.tenancy.urls")),
    path("", include("apps.portal.projects.urls")),
    path("offerings/", include("apps.portal.offerings.urls")),
    path("quotas/", include("apps.portal.quotas.urls")),
    path("templates/", include("apps.portal.images.urls")),
    path("virtual-machines/", include("apps.portal.machines.urls")),
    path("jobs/", include("apps.portal.jobs.urls")),
    path("events/", include("apps.portal.events.urls")),
    path("views/", include("apps.portal.saved.urls")),
    path("ssh-keys/", include("apps.portal.keys.urls")),
    path("trash/", include("apps.portal.trash.urls")),
]
