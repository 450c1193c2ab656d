"""The pages of templates, which people know as images."""

from django.urls import path

from apps.portal.images import upload, views

urlpatterns = [
    path("", views.template_list, name="templates"),
    path("new/", upload.template_new, name="template-new"),
    path("<uuid:uuid>/", views.template_page, name="template"),
    path("<uuid:uuid>/change/", views.template_change, name="template-change"),
    path("<uuid:uuid>/delete/", views.template_delete, name="template-delete"),
]
