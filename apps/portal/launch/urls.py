"""Launching a zone: the wizard, zone documents, and how a launch goes on."""

from django.urls import path

from apps.portal.launch import documents, follow, wizard

urlpatterns = [
    path("", wizard.start, name="launch"),
    path("steps/<slug:step>/", wizard.step, name="launch-step"),
    path("steps/<slug:step>/check/", wizard.check, name="launch-check"),
    path("review/", wizard.review, name="launch-review"),
    path("yaml/", wizard.document, name="launch-yaml"),
    path("discard/", wizard.discard, name="launch-discard"),
    path("document/", documents.document, name="launch-document"),
    path("zones/<uuid:uuid>/document/", documents.export, name="launch-export"),
    path("<uuid:uuid>/", follow.progress, name="launch-progress"),
    path("<uuid:uuid>/live/", follow.live, name="launch-live"),
    path("<uuid:uuid>/act/", follow.act, name="launch-act"),
    path("<uuid:uuid>/hosts/<uuid:host>/", follow.repair, name="launch-repair"),
]
