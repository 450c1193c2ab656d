"""How a user gets in, for who looks after them."""

from django.urls import path

from apps.portal.access import views

urlpatterns = [
    path("<uuid:uuid>/access/", views.access, name="user-access"),
    path("<uuid:uuid>/access/end/", views.sessions_end, name="user-sessions-end"),
    path("<uuid:uuid>/access/password/", views.password_link, name="user-password-link"),
    path("<uuid:uuid>/access/unlock/", views.unlock, name="user-unlock"),
    path("<uuid:uuid>/access/tokens/<uuid:token>/", views.token_revoke, name="user-token-revoke"),
]
