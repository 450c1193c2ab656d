"""Words for the reason within a code: `reason`, or `code/reason` where one word means two things."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.credentials import CREDENTIAL_REASONS
from apps.core.words.directories import DIRECTORY_REASONS
from apps.core.words.documents import DOCUMENT_REASONS
from apps.core.words.grants import GRANT_REASONS
from apps.core.words.images import IMAGE_REASONS
from apps.core.words.projects import PROJECT_REASONS
from apps.core.words.quotas import QUOTA_REASONS
from apps.core.words.requests import REQUEST_REASONS
from apps.core.words.says import Reason
from apps.core.words.tenancy import TENANCY_REASONS

VALUE_REASONS: dict[str, Reason] = {
    "unknown_field": Reason(
        _("This field or parameter is not known here. Known are: %(known)s."),
        _("Remove it or correct its name."),
    ),
    "required": Reason(_("This must be given."), _("Give a value.")),
    "not_text": Reason(_("This must be text that can be read."), _("Send text.")),
    "too_long": Reason(_("This may have at most %(limit)s characters."), _("Shorten it.")),
    "blank": Reason(_("This may not be empty."), _("Give a value.")),
    "rules_count": Reason(
        _("A role has %(low)s to %(high)s rules."), _("Give a list of rules, such as [“allow”, “vm.*”].")
    ),
    "not_a_rule": Reason(
        _("This is no rule."), _("A rule is “allow” or “deny”, and a pattern such as “vm.*”.")
    ),
    "not_a_pattern": Reason(
        _("This is no pattern of permissions."), _("Write “vm.start”, “vm.*”, “*.read” or “*”.")
    ),
    "pattern_matches_nothing": Reason(
        _("No permission is called “%(pattern)s”."), _("Choose one from the list of permissions.")
    ),
    "direction_mark": Reason(
        _("Character %(position)s is an invisible mark of text direction."),
        _("Remove it: type the name anew."),
    ),
    "control_character": Reason(
        _("Character %(position)s is a control character or an unassigned one."),
        _("Remove it: type the name anew."),
    ),
    "not_a_hostname": Reason(
        _("This is not a host name."), _("Use small letters a to z, digits and hyphens, at most 63 of them.")
    ),
    "not_a_public_key": Reason(
        _("This is not an SSH public key."), _("Paste the one line of a file such as id_ed25519.pub.")
    ),
    "not_a_private_key": Reason(
        _("This is not an SSH private key without a passphrase."),
        _("Paste a whole private key in OpenSSH or PEM format."),
    ),
    "nothing_to_change": Reason(_("The request names nothing to change."), _("Name at least one field.")),
    "out_of_range": Reason(
        _("This must lie between %(low)s and %(high)s."), _("Choose a value in that range.")
    ),
    "not_a_choice": Reason(_("This is none of: %(known)s."), _("Choose one of these.")),
    "not_a_uuid": Reason(_("This is not a UUID."), _("Take the id from the object or its list.")),
    "not_a_number": Reason(_("This is not a whole number."), _("Send a whole number.")),
    "too_many_views": Reason(
        _("You keep %(limit)s views of this list already."), _("Forget one that you do not use.")
    ),
    "not_a_day": Reason(_("This is not a day."), _("Write it as 2026-01-31.")),
    "not_a_moment": Reason(_("This is not a moment in time."), _("Write it as 2026-01-31T14:00:00Z.")),
    "no_such_owner": Reason(
        _("There is nothing of this name or id, or it is not yours to see."),
        _("Choose one of the list, or type the whole name."),
    ),
    "not_a_boolean": Reason(_("This is neither true nor false."), _("Send true or false.")),
    "not_an_address": Reason(
        _("This is neither an IPv4 address nor a host name."),
        _("Give the address under which the host is reached."),
    ),
    "not_an_ipv4_address": Reason(_("This is not an IPv4 address."), _("Write it as 10.1.2.3.")),
    "not_a_subnet": Reason(
        _("This is not an IPv4 subnet from /8 to /30."), _("Write the network's own address: 10.1.0.0/16.")
    ),
    "outside_subnet": Reason(
        _("This is not a usable address of %(cidr)s."), _("Choose an address inside the subnet.")
    ),
    "range_reversed": Reason(_("The range ends before it begins."), _("Exchange its two ends.")),
    "range_holds_gateway": Reason(
        _("The gateway %(gateway)s lies in this range."), _("Let the range begin after the gateway.")
    ),
    "ranges_overlap": Reason(
        _("The reserved range and the guest range overlap."),
        _("Choose ranges that have no address in common."),
    ),
    "range_too_large": Reason(
        _("The range holds more than %(limit)s addresses."), _("Choose a smaller range.")
    ),
    "subnet_overlaps": Reason(
        _("The subnet overlaps %(cidr)s of the pod %(pod)s."),
        _("Choose a subnet that no pod of the zone has."),
    ),
    "not_a_bridge": Reason(
        _("This is not the name of a network bridge."),
        _("Use a small letter, then small letters, digits and hyphens, at most 15 of them."),
    ),
    "not_a_path": Reason(
        _("This is not an absolute path, or it holds “..” or a control character."),
        _("Give the folder's full path, such as /srv/cloud/primary."),
    ),
    "not_a_uri": Reason(_("This is not the address of a hypervisor."), _("Give one such as qemu:///system.")),
    "not_settings": Reason(
        _("This must map short lower-case names to short texts."), _("Send an object of texts.")
    ),
    "not_notes": Reason(
        _("This must map lower-case names to short texts, at most 60 of them."), _("Send an object of texts.")
    ),
    "not_mount_options": Reason(
        _("These are not options of mount."), _("Write them with commas between: nodev,vers=4.2.")
    ),
    "server_needed": Reason(
        _("This kind of storage lies on a server."), _("Give the server's address or name.")
    ),
    "driver_not_of_cluster": Reason(
        _("The cluster's hypervisor is %(hypervisor)s, which the driver %(driver)s does not drive."),
        _("Choose the cluster's driver, or another cluster."),
    ),
    "scope_needs": Reason(
        _("The scope “%(scope)s” names what the storage belongs to: a cluster, a host, or neither."),
        _("Give exactly what the scope needs."),
    ),
    "in_other_zone": Reason(_("This belongs to another zone."), _("Choose one of the same zone.")),
    "storage_disabled": Reason(
        _("The secondary storage is disabled."), _("Enable it or choose another one.")
    ),
    "no_secondary_storage": Reason(
        _("The zone has no secondary storage that is enabled."), _("Add one to the zone first.")
    ),
    "account_needed": Reason(
        _("You are a member of more than one account, or of none."), _("Say which account is to own it.")
    ),
    "not_a_username": Reason(
        _("This is not a user name."),
        _(
            "Use a small letter or digit, then letters, digits, dots, hyphens, underscores and @; "
            "at most 100 of them."
        ),
    ),
    "no_such_user": Reason(
        _("There is no active user of this name."), _("Correct the name, or invite them.")
    ),
    "not_an_email": Reason(_("This is not an e-mail address."), _("Correct it or leave it out.")),
    "not_a_login": Reason(
        _("This is not a login name of a host."),
        _("Use small letters, digits, hyphens and underscores, at most 32 of them."),
    ),
    "not_an_architecture": Reason(
        _("This is not the name of a processor architecture."), _("Give one such as x86_64.")
    ),
    "yourself": Reason(_("You cannot lock yourself out."), _("Let another operator do it.")),
}

DEPLOY_REASONS: dict[str, Reason] = {
    "zone_disabled": Reason(_("The zone is disabled."), _("Choose another zone.")),
    "offering_disabled": Reason(_("The size is no longer offered."), _("Choose another size.")),
    "offering_too_small": Reason(
        _("The image needs at least %(memory_mib)s MiB of memory."), _("Choose a larger size.")
    ),
    "offering_too_large": Reason(
        _("No host of the zone could ever hold a machine of this size."), _("Choose a smaller size.")
    ),
    "template_not_ready": Reason(
        _("The image is not ready: its state is %(state)s."), _("Choose another image, or wait for it.")
    ),
    "template_in_other_zone": Reason(
        _("The image is not available in this zone."), _("Choose an image of this zone.")
    ),
    "other_account": Reason(
        _("It belongs to another account than the machine."), _("Choose one that the machine's account owns.")
    ),
    "unknown_strategy": Reason(
        _("This placement strategy is not known."), _("Choose spread, pack, first-fit or pinned.")
    ),
    "pinned_needs_host": Reason(
        _("A host is given exactly with the strategy “pinned”."), _("Give both or neither.")
    ),
    "not_a_tag_line": Reason(
        _("Line %(line)s is not of the form name=value."), _("Write one tag a line, as name=value.")
    ),
    "tag_twice": Reason(_("A tag is there twice."), _("Give each tag another name.")),
    "not_its_name": Reason(_("This is not the machine's name."), _("Type the name exactly as it is shown.")),
    "not_tags": Reason(
        _("Tags are at most %(limit)s short names with a short text each."), _("Send an object of texts.")
    ),
    "pattern_numbers": Reason(
        _("A name pattern holds at most one number, such as %%d or %%02d."), _("Correct the pattern.")
    ),
    "hostname_in_batch": Reason(
        _("The machines of a batch get their host names from their names."), _("Leave the host name out.")
    ),
}

STATE_REASONS: dict[str, Reason] = {
    "plan_moved": Reason(
        _("The cloud or the document has changed since this plan was made."),
        _("Look at the plan once more, and apply that."),
    ),
    "other_key_shown": Reason(
        _("The host shows another key by now."),
        _("Load the host again, and compare the key that it shows now."),
    ),
    "on_other_host": Reason(_("The machine holds a part of another host.")),
    "placed_meanwhile": Reason(_("The machine was placed by someone else just now.")),
    "login_link": Reason(
        _("This link was used already, is too old, or never was one."), _("Ask for a fresh link.")
    ),
    "storage_full": Reason(_("The secondary storage %(storage)s is full.")),
    "pool_folder_missing": Reason(
        _("The host has no folder %(path)s, where the primary storage %(storage)s is to be."),
        _("Make the folder on the host (mkdir -p), or correct the storage's path; then try again."),
    ),
    "pool_not_reached": Reason(
        _("The host does not reach the primary storage %(storage)s (%(path)s)."),
        _("Check the server, what it exports, and that the host has its client; then try again."),
    ),
    "storage_not_there": Reason(
        _("The secondary storage %(storage)s is not mounted on the portal's machine."),
        _("Ask an operator to connect it again."),
    ),
    "storage_folder": Reason(
        _("The portal cannot write to the folder of the secondary storage %(storage)s."),
    ),
    "no_placement": Reason(
        _("The machine has not been placed yet."), _("Wait until its deploy has chosen a host.")
    ),
    "wrong_state": Reason(
        _("Its state is %(state)s; this needs: %(wanted)s."), _("Bring it into such a state first, or wait.")
    ),
    "no_transition": Reason(_("From %(state)s it cannot become %(wanted)s.")),
    "seal_broken": Reason(
        _("Segment %(segment)s of the events is not as it was sealed."),
        _("Run manage.py audit verify, and find out why, before old events are dropped."),
    ),
    "state_moved": Reason(_("Its state has just changed."), _("Look at its present state and try again.")),
    "delete_protected": Reason(_("It is protected from deletion."), _("Switch the protection off first.")),
    "job_past_return": Reason(_("The job is past the point where it could be taken back."), _("Let it end.")),
    "job_undoing": Reason(_("The job is being taken back already."), _("Let it end.")),
    "job_cancel_asked": Reason(
        _("The job was asked to end already."), _("It ends as soon as its present step lets it.")
    ),
    "job_is_stuck": Reason(
        _("The job is stuck: it cannot be taken back by itself."), _("An operator can retry or resolve it.")
    ),
    "job_ended": Reason(_("The job has ended."), _("There is nothing left to cancel.")),
    "job_not_stuck": Reason(
        _("The job is not stuck: its state is %(state)s."), _("Only a stuck job is retried or resolved.")
    ),
}

USER_DATA_REASONS: dict[str, Reason] = {
    "too_large": Reason(_("The user data is longer than 32 KiB."), _("Let it fetch what is large.")),
    "control_characters": Reason(
        _("There is a control character other than a tab or a line end."), _("Remove it.")
    ),
    "unknown_header": Reason(
        _("The first line is none that cloud-init knows."),
        _("Begin with #cloud-config or #!/bin/sh, for example."),
    ),
    "carriage_return": Reason(
        _("The script's first line ends as on Windows, so its interpreter would not be found."),
        _("Save the script with Unix line ends."),
    ),
    "base64": Reason(_("The user data is encoded in base64."), _("Give the text itself.")),
    "compressed": Reason(_("The user data is compressed."), _("Give the text itself.")),
    "not_yaml": Reason(_("This is not YAML."), _("Correct the line that is named.")),
    "invalid_input/duplicate_key": Reason(
        _("The same mapping has this key already."), _("Remove one of the two.")
    ),
    "malformed_request/duplicate_key": Reason(
        _("The request names this field twice."), _("Remove one of the two.")
    ),
    "yaml_alias_bomb": Reason(
        _("The YAML's aliases unfold to more than 20,000 values, or to themselves."), _("Use fewer aliases.")
    ),
    "yaml_too_deep": Reason(_("The YAML is nested deeper than 40 levels."), _("Nest less deeply.")),
    "not_a_mapping": Reason(
        _("What follows #cloud-config must be a mapping of keys to values."), _("Correct it.")
    ),
    "not_a_list": Reason(
        _("What follows #cloud-config-archive must be a list of texts or mappings."), _("Correct it.")
    ),
    "bad_include": Reason(_("#include takes one address a line, with its scheme."), _("Correct the line.")),
    "bad_multipart": Reason(_("This is not a complete MIME multipart message."), _("Make it anew.")),
    "unknown_part_type": Reason(
        _("A part has a type that cloud-init does not know."), _("Correct the part's Content-Type.")
    ),
}

REASONS: dict[str, Reason] = {
    **REQUEST_REASONS,
    **DIRECTORY_REASONS,
    **VALUE_REASONS,
    **TENANCY_REASONS,
    **GRANT_REASONS,
    **PROJECT_REASONS,
    **DEPLOY_REASONS,
    **STATE_REASONS,
    **USER_DATA_REASONS,
    **IMAGE_REASONS,
    **DOCUMENT_REASONS,
    **CREDENTIAL_REASONS,
    **QUOTA_REASONS,
}
