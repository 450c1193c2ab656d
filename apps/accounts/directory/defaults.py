"""What a directory of each kind usually looks like."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Directory

_GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"

DEFAULTS: dict[str, dict[str, Any]] = {
    Directory.Kind.OPENLDAP: {
        "people_filter": "(objectClass=inetOrgPerson)",
        "group_filter": _GROUPS,
        "login_attributes": ["uid"],
        "mail_attribute": "mail",
        "full_name_attribute": "cn",
        "group_name_attribute": "cn",
        "stable_id_attribute": "entryUUID",
        "attributes": ["ou", "employeeType", "departmentNumber"],
        "disabled_filter": "(|(pwdAccountLockedTime=000001010000Z)(nsAccountLock=TRUE))",
    },
    Directory.Kind.ACTIVE_DIRECTORY: {
        "people_filter": "(&(objectCategory=person)(objectClass=user))",
        "group_filter": "(objectClass=group)",
        "login_attributes": ["sAMAccountName", "userPrincipalName"],
        "mail_attribute": "mail",
        "full_name_attribute": "displayName",
        "group_name_attribute": "sAMAccountName",
        "stable_id_attribute": "objectGUID",
        "attributes": ["department", "title", "company"],
        "disabled_filter": "",
    },
}
"""In Active Directory userAccountControl says who is disabled; a filter may name more of them."""
