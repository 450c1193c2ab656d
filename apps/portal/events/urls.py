"""The audit trail."""

from django.urls import path

from apps.portal.events.list import event_list
from apps.portal.events.views import event_page

urlpatterns = [
    path("", event_list, name="events"),
    path("<uuid:uuid>/", event_page, name="event"),
]
