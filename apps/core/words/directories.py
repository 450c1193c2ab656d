"""Words for what may be wrong with a campus' directory: which step failed, and what to do."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

_NETWORK = _("Check the server's address and the firewalls between this portal and it.")
_READER = _("Check the bind DN, and give its password again.")

STEPS: dict[str, str | Promise] = {
    "resolve": _("Find the server's address"),
    "connect": _("Connect"),
    "tls": _("Encrypt and verify"),
    "bind": _("Log in as the portal's reader"),
    "search": _("Find people and groups"),
    "map": _("Tell people by their attributes"),
}

DIRECTORY_REASONS: dict[str, Reason] = {
    "attribute_not_read": Reason(
        _("This attribute is not read of people, so that no rule can ask for it."),
        _("Take one of these: %(known)s; or add it to “Further attributes” of the directory."),
    ),
    "no_placeholder": Reason(
        _("The pattern names nobody: every person would get the same account."),
        _("Write “{uid}” for the user name, or an attribute's name in braces; or choose one account."),
    ),
    "not_a_pattern_of_names": Reason(
        _("A brace of the pattern has no partner."), _("Write, for example, “lab-{uid}”.")
    ),
    "roles_go_to_groups": Reason(
        _("A role is given to a group of the directory, not to a unit or an attribute."),
        _("Let the rule match a group, or give a membership."),
    ),
    "place_is_gone": Reason(
        _("The place that the rule gives a role in is there no more."), _("Choose another place.")
    ),
    "not_all_rules": Reason(
        _("The order has to name each rule of the directory once."),
        _("Load the rules again: somebody added or removed one."),
    ),
    "preview_again": Reason(
        _("The rules were changed since this preview, or there is a newer one."),
        _("Preview the mapping again, and apply that."),
    ),
    "rule_unanswered": Reason(
        _("Who wrote the rule “%(name)s” no longer holds what it gives."),
        _("Somebody who holds it has to answer for the rule first, on the page of the mapping."),
    ),
    "other_preview": Reason(
        _("This is not the digest of what was previewed."), _("Send the digest that the preview shows.")
    ),
    "run_not_held": Reason(
        _("The brake does not hold this run any more."), _("Load the page again: somebody has decided.")
    ),
    "directory_disabled": Reason(_("The directory is disabled."), _("Enable it first.")),
    "not_a_moment": Reason(
        _("This is not a time with a time zone."), _("Write, for example, “2027-01-31T12:00:00Z”.")
    ),
    "not_left_behind": Reason(
        _("Somebody belongs to this account again, or it is being deleted."), _("Nothing has to be done.")
    ),
    "too_many": Reason(_("This takes at most %(limit)s values."), _("Give fewer.")),
    "not_an_ldap_uri": Reason(
        _("“%(value)s” is not the address of an LDAP server."),
        _("Write “ldaps://ldap.example.org”, or “ldap://ldap.example.org” for StartTLS."),
    ),
    "not_a_dn": Reason(
        _("This is not a distinguished name (DN)."), _("Write, for example, “ou=people,dc=example,dc=org”.")
    ),
    "not_an_ldap_filter": Reason(
        _("This is not an LDAP filter."), _("Write, for example, “(objectClass=inetOrgPerson)”.")
    ),
    "not_an_attribute": Reason(
        _("This is not the name of an attribute."), _("Write letters, digits and hyphens, such as “mail”.")
    ),
    "password_attribute": Reason(_("This attribute holds passwords. It is never read."), _("Leave it out.")),
    "not_a_certificate": Reason(
        _("This is not a certificate in PEM."),
        _("Give the authority's certificate, from “-----BEGIN CERTIFICATE-----” on."),
    ),
    "private_key_given": Reason(
        _("A private key stands here. It is not needed, and was not kept."),
        _("Give the authority's certificate only."),
    ),
    "password_again": Reason(
        _("With another server, certificate or bind DN the stored password is not used."),
        _("Give the bind password again."),
    ),
    "people_known_by_it": Reason(
        _("People are known by this attribute already."),
        _("Keep it, or add the directory a second time and remove this one."),
    ),
    "directory_enabled": Reason(_("The directory is in use."), _("Disable it first.")),
    "resolve_no_library": Reason(
        _("This installation was made without the LDAP library."), _("Run “make up”, which brings it.")
    ),
    "resolve_no_server": Reason(_("The directory names no server."), _("Name one.")),
    "resolve_no_such_name": Reason(
        _("There is no address for the server's name."),
        _("Correct the name, or mend the DNS of this machine."),
    ),
    "resolve_silent": Reason(_("The DNS does not answer in time."), _("Mend the DNS of this machine.")),
    "connect_refused": Reason(
        _("Nobody listens at the server's port."), _("Check the port, and that the directory runs.")
    ),
    "connect_unreachable": Reason(_("The server cannot be reached."), _NETWORK),
    "connect_silent": Reason(_("The server does not answer in time."), _NETWORK),
    "tls_silent": Reason(
        _("The server takes the connection and then says nothing."),
        _("Check that the port speaks LDAP, and that the directory is not overloaded."),
    ),
    "tls_no_tls": Reason(
        _("The server does not speak TLS here."),
        _("Use “ldaps://” with port 636, or “ldap://” with port 389 for StartTLS."),
    ),
    "tls_not_offered": Reason(
        _("The server refuses StartTLS."), _("Give the server a certificate, or use “ldaps://”.")
    ),
    "tls_unknown_authority": Reason(
        _("The server's certificate was not signed by an authority that is trusted here."),
        _("Give the certificate of the authority that signed it."),
    ),
    "tls_wrong_name": Reason(
        _("The server's certificate is made out to another name."),
        _("Use the name that stands in the certificate, or have it made out anew."),
    ),
    "tls_expired": Reason(_("The server's certificate has expired."), _("Have it renewed.")),
    "tls_not_yet_valid": Reason(
        _("The server's certificate is not valid yet."), _("Check the clocks of both machines.")
    ),
    "tls_bad_authority": Reason(
        _("The authority's certificate cannot be read."), _("Give it again, in PEM.")
    ),
    "bind_wrong_credentials": Reason(
        _("The directory does not accept the bind DN with this password."), _READER
    ),
    "bind_bad_dn": Reason(_("The directory does not understand the bind DN."), _READER),
    "bind_no_such_base": Reason(_("The directory does not know the bind DN."), _READER),
    "bind_not_allowed": Reason(_("The directory does not let the bind DN log in."), _READER),
    "bind_refused": Reason(
        _("The directory refuses the login of the portal's reader."),
        _("Its own words stand under the technical details."),
    ),
    "bind_busy": Reason(_("The directory is busy."), _("Try again in a while.")),
    "bind_silent": Reason(_("The directory does not answer the login in time."), _("Try again in a while.")),
    "bind_closed": Reason(_("The directory closed the connection."), _("Look at the directory's own log.")),
    "search_no_such_base": Reason(
        _("A base DN is not there, or the portal's reader may not see it."), _("Correct the base DN.")
    ),
    "search_bad_dn": Reason(_("The directory does not understand a base DN."), _("Correct the base DN.")),
    "search_bad_filter": Reason(_("The directory does not understand a filter."), _("Correct the filter.")),
    "search_not_allowed": Reason(
        _("The portal's reader may not search here."), _("Let the bind DN read people and groups.")
    ),
    "search_nobody": Reason(
        _("No person was found."), _("Correct the base DN or the filter, or let the bind DN read people.")
    ),
    "search_no_groups": Reason(
        _("No group was found."),
        _("Correct the base DN or the filter of groups, or leave the base DN empty where there are none."),
    ),
    "search_cut_off": Reason(
        _("The directory cuts the answer off."),
        _("Raise its size limit for the bind DN (OpenLDAP: “limits … size.prtotal=unlimited”)."),
    ),
    "search_no_paging": Reason(
        _("The directory does not answer page by page."), _("Allow paged results (RFC 2696) for the bind DN.")
    ),
    "search_busy": Reason(_("The directory is busy."), _("Try again in a while.")),
    "search_silent": Reason(
        _("The directory does not answer the search in time."),
        _("Let the directory index the attributes that the filters name, or raise the deadline."),
    ),
    "search_closed": Reason(_("The directory closed the connection."), _("Look at the directory's own log.")),
    "search_refused": Reason(
        _("The directory refuses the search."), _("Its own words stand under the technical details.")
    ),
    "map_no_stable_id": Reason(
        _("People lack the attribute by which they are known for good."),
        _("Use “entryUUID” with OpenLDAP, “objectGUID” with Active Directory, and let the bind DN read it."),
    ),
    "map_stable_id_twice": Reason(
        _("Two people have the same value where each should have their own."),
        _("Name another attribute by which people are known for good."),
    ),
    "map_no_login_name": Reason(
        _("Nobody has a login name."), _("Correct the attributes that hold login names.")
    ),
    "map_ambiguous": Reason(
        _("Two people have the same login name."), _("Give each of them their own in the directory.")
    ),
}

REFUSALS: dict[str, Reason] = {
    "name_taken": Reason(
        _("Somebody else here has this user name already."),
        _("Give one of the two another name; a user who left keeps theirs until they are removed."),
    ),
    "not_a_username": Reason(
        _("The login name cannot be a user name."),
        _("A user name is made of Latin letters, digits and “.”, “_”, “-”, “@”: name another attribute."),
    ),
    "no_stable_id": Reason(
        _("The person lacks the attribute by which people are known for good."),
        _("Let the bind DN read it, or name another one."),
    ),
    "disabled": Reason(_("The person is disabled in the directory."), _("Enable them there.")),
    "user_inactive": Reason(_("The user may not log in here."), _("Let the user in again.")),
}
"""Why somebody with the right password was not let in; told to operators only."""


HELD: dict[str, str | Promise] = {
    "empty_directory": _("The directory shows nobody at all."),
    "base_emptied": _("Nobody is below “%(about)s” any more."),
    "group_gone": _("The group “%(about)s” is there no more."),
    "rule_emptied": _("The rule “%(about)s” would take all that it gave."),
    "too_many_users": _("Too many people would be kept out: %(count)s of %(of)s."),
    "too_many_memberships": _("Too many memberships would end: %(count)s of %(of)s."),
    "too_many_group_people": _("Too many people would go out of groups: %(count)s of %(of)s."),
}
"""Why the brake holds a run."""

CHANGES: dict[str, str | Promise] = {
    "user.add": _("Users who come"),
    "user.change": _("Users whose name or mail changes"),
    "user.let_in": _("Users who come back"),
    "group.add": _("Groups that come"),
    "group.change": _("Groups that get another name or place"),
    "group.add_people": _("People who come into groups"),
    "grant.add": _("Roles given to groups"),
    "account.add": _("Accounts that are made"),
    "membership.add": _("Memberships given"),
    "membership.change": _("Memberships changed"),
    "membership.forget": _("Memberships that ran out and are forgotten"),
    "membership.end": _("Memberships that end after a while"),
    "membership.remove": _("Memberships taken away"),
    "grant.remove": _("Roles taken from groups"),
    "group.remove_people": _("People who go out of groups"),
    "group.remove": _("Groups that go"),
    "user.keep_out": _("Users who are kept out"),
}
"""What a run changes, by kind."""

NOTES: dict[str, str | Promise] = {
    "lower_rule": _("The rule “%(about)s” stands higher and decides."),
    "name_taken": _("Somebody else has this user name."),
    "not_a_username": _("This cannot be a user name."),
    "no_stable_id": _("The directory shows no stable id of them."),
    "account_taken": _("There is an account “%(about)s” already that no pattern made."),
    "not_a_name": _("“%(about)s” cannot be the name of an account."),
    "mixed_scripts": _("“%(about)s” mixes letters of two alphabets, and looks like another name."),
    "group_missing": _("The directory does not show this group."),
}
"""Why something was not given, or otherwise."""
