"""The pages of jobs."""

from django.urls import path

from apps.portal.jobs import views
from apps.portal.jobs.list import job_list

urlpatterns = [
    path("", job_list, name="jobs"),
    path("now/", views.jobs_now, name="jobs-now"),
    path("<uuid:uuid>/", views.job_page, name="job"),
    path("<uuid:uuid>/live/", views.job_live, name="job-live"),
    path("<uuid:uuid>/retry/", views.job_retry, name="job-retry"),
    path("<uuid:uuid>/resolve/", views.job_resolve, name="job-resolve"),
    path("<uuid:uuid>/cancel/", views.job_cancel, name="job-cancel"),
]
