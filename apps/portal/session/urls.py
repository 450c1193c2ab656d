"""Getting in and out."""

from django.urls import path

from apps.portal.session import views

urlpatterns = [
    path("login/", views.login_page, name="login"),
    path("login/link/", views.login_by_link, name="login-link"),
    path("login/forgotten/", views.forgotten, name="login-forgotten"),
    path("login/password/", views.password_by_link, name="login-password"),
    path("logout/", views.logout_page, name="logout"),
]
