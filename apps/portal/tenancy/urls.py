"""The pages of domains and accounts. What is done to both alike has one view."""

from typing import Any

from django.urls import URLPattern, path

from apps.portal.tenancy import accounts, acts, domains, handover


def _acts(noun: str) -> list[URLPattern]:
    told: dict[str, Any] = {"noun": noun}
    at = f"{noun}s/<uuid:uuid>/"
    return [
        path(f"{at}rename/", acts.rename, told, name=f"{noun}-rename"),
        path(f"{at}move/", acts.move, told, name=f"{noun}-move"),
        path(f"{at}switch/", acts.switch, told, name=f"{noun}-switch"),
        path(f"{at}disable/", acts.disable, told, name=f"{noun}-disable"),
        path(f"{at}close/", acts.close, told, name=f"{noun}-close"),
        path(f"{at}start/", acts.start_halted, told, name=f"{noun}-start"),
    ]


urlpatterns = [
    path("domains/", domains.domain_list, name="domains"),
    path("domains/<uuid:uuid>/", domains.domain_page, name="domain"),
    path("domains/<uuid:uuid>/new/", domains.domain_new, name="domain-new"),
    path("domains/<uuid:uuid>/new-account/", domains.account_new, name="account-new"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("accounts/<uuid:uuid>/", accounts.account_page, name="account"),
    path("accounts/<uuid:uuid>/hand-over/", handover.hand_over, name="account-hand-over"),
    path("accounts/<uuid:uuid>/add-member/", accounts.member_add, name="account-add-member"),
    path("accounts/<uuid:uuid>/members/<uuid:user>/", accounts.member_change, name="account-member"),
    *_acts("domain"),
    *_acts("account"),
]
