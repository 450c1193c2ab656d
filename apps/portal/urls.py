"""Web pages."""

from django.urls import path

from apps.portal import login, views

app_name = "portal"
urlpatterns = [
    path("", views.machine_list, name="machines"),
    path("login/", login.login_page, name="login"),
    path("login/link/", login.login_by_link, name="login-link"),
    path("logout/", login.logout_page, name="logout"),
    path("virtual-machines/new/", views.machine_create, name="machine-create"),
    path("virtual-machines/<uuid:uuid>/", views.machine_page, name="machine"),
    path("virtual-machines/<uuid:uuid>/live/", views.machine_live, name="machine-live"),
    path("virtual-machines/<uuid:uuid>/act/", views.machine_act, name="machine-act"),
]
