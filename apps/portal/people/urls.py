"""The pages of people: who is here, what each may do and by what, and letting them in."""

from django.urls import path

from apps.portal.people import acts, check, people, view_as, views

urlpatterns = [
    path("", people.people_list, name="people"),
    path("invite/", views.invite, name="invite"),
    path("link/", views.fresh_link, name="fresh-link"),
    path("rights/", check.rights, name="rights"),
    path("view-as/end/", view_as.end, name="view-as-switch"),
    path("<uuid:uuid>/", people.person, name="person"),
    path("<uuid:uuid>/switch/", acts.switch, name="person-switch"),
    path("<uuid:uuid>/keep-out/", acts.keep_out, name="person-keep-out"),
    path("<uuid:uuid>/close/", acts.close, name="person-close"),
    path("<uuid:uuid>/erase/", acts.erase, name="person-erase"),
    path("<uuid:uuid>/view-as/", view_as.begin, name="view-as"),
]
