"""Who owns and who acts: users, the tree of domains, accounts, memberships, roles, quotas,
credentials."""

from apps.accounts.models.credentials import ApiToken, IdempotencyKey, LoginLink
from apps.accounts.models.directory import Directory, DirectoryGroup, DirectoryPerson
from apps.accounts.models.invitation import Invitation, InvitationState
from apps.accounts.models.mapping import (
    DirectorySync,
    LeftBehind,
    MappedAccount,
    MappingRule,
    SyncChange,
    SyncRun,
)
from apps.accounts.models.people import User, UserManager, search_key_of
from apps.accounts.models.project import Project, ProjectRules, ProjectState
from apps.accounts.models.quota import Counting, Quota, UsageHour
from apps.accounts.models.roles import Grant, Group, GroupMember
from apps.accounts.models.sessions import PasswordRequest, Session
from apps.accounts.models.tenancy import Account, Domain, Membership, Role, Standing

__all__ = [
    "Account",
    "ApiToken",
    "Counting",
    "Directory",
    "DirectoryGroup",
    "DirectoryPerson",
    "DirectorySync",
    "Domain",
    "Grant",
    "Group",
    "GroupMember",
    "IdempotencyKey",
    "Invitation",
    "InvitationState",
    "LeftBehind",
    "LoginLink",
    "MappedAccount",
    "MappingRule",
    "Membership",
    "PasswordRequest",
    "Project",
    "ProjectRules",
    "ProjectState",
    "Quota",
    "Role",
    "Session",
    "Standing",
    "SyncChange",
    "SyncRun",
    "UsageHour",
    "User",
    "UserManager",
    "search_key_of",
]
