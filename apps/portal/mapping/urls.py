"""The pages of mappings, runs and leavers."""

from django.urls import path

from apps.portal.mapping import leavers, views

_OF = "directories/<uuid:uuid>"
urlpatterns = [
    path(f"{_OF}/mapping/", views.mapping_page, name="mapping"),
    path(f"{_OF}/mapping/new/", views.rule_new, name="mapping-new"),
    path(f"{_OF}/mapping/settings/", views.sync_settings, name="mapping-settings"),
    path(f"{_OF}/mapping/<uuid:rule>/", views.rule_change, name="mapping-rule"),
    path(f"{_OF}/mapping/<uuid:rule>/answer/", views.rule_answer, name="mapping-rule-answer"),
    path(f"{_OF}/mapping/<uuid:rule>/remove/", views.rule_remove, name="mapping-rule-remove"),
    path(f"{_OF}/mapping/<uuid:rule>/move/", views.rule_move, name="mapping-rule-move"),
    path(f"{_OF}/preview/", views.preview, name="mapping-preview"),
    path(f"{_OF}/runs/", views.run_list, name="sync-runs"),
    path(f"{_OF}/runs/<uuid:run>/", views.run_page, name="sync-run"),
    path("leavers/", leavers.leaver_list, name="leavers"),
    path("leavers/<uuid:uuid>/", leavers.leaver_page, name="leaver"),
]
