"""Projects, and invitations into them and into other accounts."""

from django.urls import path

from apps.portal.projects import invitations, pages, rules

urlpatterns = [
    path("projects/", pages.project_list, name="projects"),
    path("projects/new/", pages.project_new, name="project-new"),
    path("projects/<uuid:uuid>/", pages.project_page, name="project"),
    path("projects/<uuid:uuid>/change/", pages.project_change, name="project-change"),
    path("projects/<uuid:uuid>/end/", pages.project_end, name="project-end"),
    path("projects/<uuid:uuid>/suspend/", pages.project_suspend, name="project-suspend"),
    path("projects/<uuid:uuid>/resume/", pages.project_resume, name="project-resume"),
    path("projects/<uuid:uuid>/hand-over/", pages.project_hand_over, name="project-hand-over"),
    path("projects/<uuid:uuid>/leave/", pages.project_leave, name="project-leave"),
    path("domains/<uuid:uuid>/project-rules/", rules.project_rules, name="project-rules"),
    path("projects/<uuid:uuid>/invite/", invitations.invite, name="project-invite"),
    path("invitations/link/", invitations.by_link, name="invitation-link"),
    path("invitations/<uuid:uuid>/", invitations.answer, name="invitation"),
    path("invitations/<uuid:uuid>/change/", invitations.change, name="invitation-change"),
]
