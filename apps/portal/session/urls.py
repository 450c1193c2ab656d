"""Getting in and out."""

from django.urls import path

from apps.portal.session import views

urlpatterns = [
    path("login/", views.login_page, name="login"),
    path("login/link/", views.login_by_link, name="login-link"),
    path("logout/", views.logout_page, name="logout"),
]
