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
