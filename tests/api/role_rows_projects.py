"""Lines of the table of roles for projects and invitations."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import Invitation, Membership
from apps.accounts.projects import create_project
from apps.accounts.roles.ready import ready
from tests import factories
from tests.api.conftest import Cast
from tests.api.role_rows import Row


def project_there(cast: Cast) -> None:
    """A project that the member belongs to, and an invitation into it for them; they run it no longer."""
    project = create_project(Actor.system("a test"), name="p", domain=cast.root, owner=cast.users["operator"])
    for name in ("member", "inactive"):
        Membership.objects.create(user=cast.users[name], account=project.account)
    username = cast.users["member"].username
    Invitation.objects.create(
        account=factories.make_account(cast.root),
        role=ready("user"),
        username=username,
        invited_by=cast.users["operator"],
        expires_at=timezone.now() + timedelta(days=1),
    )


PROJECTS = (
    Row("DELETE", "users/{users}/", 409, 403, 403),
    Row("GET", "projects/", 200, 200, 200),
    Row("GET", "projects/{project}/", 200, 200, 404, prepare=project_there),
    Row("POST", "projects/", 201, 404, 404, lambda cast: {"name": "new", "domain": str(cast.root.uuid)}),
    Row(
        "PATCH",
        "projects/{project}/",
        200,
        403,
        404,
        lambda cast: {"description": "new"},
        prepare=project_there,
    ),
    Row("POST", "projects/{project}/suspend/", 200, 403, 404, prepare=project_there),
    Row("POST", "projects/{project}/resume/", 200, 403, 404, prepare=project_there),
    Row(
        "POST",
        "projects/{project}/hand-over/",
        204,
        403,
        404,
        lambda cast: {"to": str(cast.users["member"].uuid)},
        prepare=project_there,
    ),
    Row("POST", "projects/{project}/leave/", 409, 204, 404, prepare=project_there),
    Row("GET", "project-rules/{root}/", 200, 403, 403),
    Row("PUT", "project-rules/{root}/", 200, 403, 403, lambda cast: {"self_service": True}),
    Row("GET", "invitations/", 200, 200, 200),
    Row("GET", "invitations/{invitation}/", 200, 200, 404, prepare=project_there),
    Row(
        "POST",
        "invitations/",
        201,
        403,
        404,
        lambda cast: {"account": str(cast.account.uuid), "username": "x"},
    ),
    Row("POST", "invitations/{invitation}/withdraw/", 200, 403, 404, prepare=project_there),
    Row("POST", "invitations/{invitation}/resend/", 200, 403, 404, prepare=project_there),
    Row("POST", "invitations/{invitation}/link/", 200, 403, 404, prepare=project_there),
    Row("POST", "invitations/{invitation}/accept/", 404, 204, 404, prepare=project_there),
    Row("POST", "invitations/{invitation}/decline/", 404, 204, 404, prepare=project_there),
    Row("POST", "invitations/accept-by-link/", 422, 422, 422, lambda cast: {"token": "wrong"}),
)
