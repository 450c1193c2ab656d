"""What readers see and change of themselves, and the service accounts of their accounts."""

from django.urls import path

from apps.portal.account import services, tokens, views

urlpatterns = [
    path("account/", views.overview, name="account"),
    path("account/password/", views.password, name="account-password"),
    path("account/sessions/", views.session_list, name="account-sessions"),
    path("account/sessions/others/", views.others_end, name="account-sessions-end"),
    path("account/sessions/<uuid:uuid>/", views.session_end, name="account-session-end"),
    path("account/tokens/", tokens.token_list, name="account-tokens"),
    path("account/tokens/new/", tokens.token_new, name="account-token-new"),
    path("account/tokens/<uuid:uuid>/", tokens.token_revoke, name="account-token-revoke"),
    path("service-accounts/", services.service_list, name="service-accounts"),
    path("service-accounts/new/", services.service_new, name="service-account-new"),
    path("service-accounts/<uuid:uuid>/", services.service_page, name="service-account"),
    path("service-accounts/<uuid:uuid>/token/", services.service_token, name="service-account-token"),
    path("service-accounts/<uuid:uuid>/remove/", services.service_remove, name="service-account-remove"),
]
