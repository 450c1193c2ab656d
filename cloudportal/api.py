"""The paths of the REST API, version 1."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from apps.accounts import api as accounts
from apps.accounts import api_tenancy as tenancy
from apps.accounts import credentials_api as credentials
from apps.accounts import invitations_api, mapping_api, projects_api, quota_api
from apps.accounts import roles_api as rights
from apps.compute.api import capacity, machines, offerings, strays
from apps.core.rest import ProblemView, UnknownPath
from apps.jobs import api as jobs
from apps.jobs import directories_api as directories
from apps.jobs import events_api as events
from apps.launch import api as launch
from apps.network import api as network
from apps.storage import api as storage
from apps.zones import api as zones

VIEWSETS = {
    "regions": zones.RegionViewSet,
    "zones": zones.ZoneViewSet,
    "zone-documents": launch.ZoneDocumentViewSet,
    "pods": network.PodViewSet,
    "clusters": zones.ClusterViewSet,
    "hosts": zones.HostViewSet,
    "primary-storages": storage.PrimaryStorageViewSet,
    "secondary-storages": storage.SecondaryStorageViewSet,
    "networks": network.NetworkViewSet,
    "service-offerings": offerings.ServiceOfferingViewSet,
    "templates": storage.TemplateViewSet,
    "ssh-keys": offerings.SshKeyViewSet,
    "virtual-machines": machines.VirtualMachineViewSet,
    "volumes": storage.VolumeViewSet,
    "jobs": jobs.JobViewSet,
    "events": events.EventViewSet,
    "stray-machines": strays.StrayMachineViewSet,
    "accounts": tenancy.AccountViewSet,
    "quotas": quota_api.QuotaViewSet,
    "projects": projects_api.ProjectViewSet,
    "invitations": invitations_api.InvitationViewSet,
    "users": accounts.UserViewSet,
    "domains": tenancy.DomainViewSet,
    "roles": rights.RoleViewSet,
    "grants": rights.GrantViewSet,
    "groups": rights.GroupViewSet,
    "directories": directories.DirectoryViewSet,
    "mapping-rules": mapping_api.MappingRuleViewSet,
    "sync-runs": mapping_api.SyncRunViewSet,
    "left-behind": mapping_api.LeftBehindViewSet,
    "sessions": credentials.SessionViewSet,
    "tokens": credentials.TokenViewSet,
    "service-accounts": credentials.ServiceAccountViewSet,
}

router = SimpleRouter()
for noun, viewset in VIEWSETS.items():
    one = noun.removesuffix("ies") + "y" if noun.endswith("ies") else noun.removesuffix("s")
    router.register(noun, viewset, basename=one)

app_name = "api"
urlpatterns = [
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("me/", accounts.MeView.as_view(), name="me"),
    path("password/", credentials.PasswordView.as_view(), name="password"),
    path("password/link/", credentials.PasswordLinkView.as_view(), name="password-link"),
    path("login/unlock/", credentials.UnlockView.as_view(), name="login-unlock"),
    path("capacity/", capacity.CapacityView.as_view(), name="capacity"),
    path("recount/", capacity.RecountView.as_view(), name="recount"),
    path(
        "project-rules/<uuid:id>/",
        projects_api.ProjectRulesViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="project-rules",
    ),
    path("access-check/", rights.AccessCheckViewSet.as_view({"post": "create"}), name="access-check"),
    path("problems/<slug:code>/", ProblemView.as_view(), name="problem"),
    path("", include(router.urls)),
    re_path(r"", UnknownPath.as_view()),
]
