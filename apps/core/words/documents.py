"""Words for what is found in a zone's document."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

DOCUMENT_REASONS: dict[str, Reason] = {
    "document_too_large": Reason(_("The document is longer than %(limit)s bytes."), _("Send less.")),
    "document_empty": Reason(_("The document is empty."), _("Write at least a region and a zone.")),
    "yaml_alias": Reason(
        _("The document uses an alias (*name)."), _("Write the value out where the alias stands.")
    ),
    "several_documents": Reason(_("A second document begins here."), _("Send one document at a time.")),
    "document_key_twice": Reason(
        _("The same part has the key %(key)s already."), _("Remove one of the two.")
    ),
    "document_too_deep": Reason(
        _("The document is nested deeper than %(limit)s levels."), _("Nest less deeply.")
    ),
    "not_a_mapping": Reason(_("This must be a mapping of keys to values."), _("Write “key: value”.")),
    "not_a_sequence": Reason(_("This must be a list."), _("Begin each entry with “- ”.")),
    "not_a_flag": Reason(_("This is neither true nor false."), _("Write true or false.")),
    "not_a_netmask": Reason(_("This is not a netmask of the gateway."), _("Write it as 255.255.255.0.")),
    "guest_not_as_pod": Reason(
        _("The pod has %(of_pod)s here: its guests share its one network."),
        _("Leave it out, or write the same."),
    ),
    "too_many_pods": Reason(_("A document may have at most %(limit)s pods."), _("Write several documents.")),
    "private_key_needed": Reason(
        _("The hosts are to be logged in to by a private key of yours, and there is none yet."),
        _("Give it at the step of the hosts, or choose the portal's own key there."),
    ),
    "no_such_part": Reason(
        _("The document has no such part named %(name)s."), _("Correct the name, or add the part.")
    ),
    "which_part": Reason(
        _("There is more than one that this could belong to, or none."), _("Name the one that is meant.")
    ),
    "scope_and_owner": Reason(
        _("The scope does not fit the cluster or host that is named."),
        _("Name a cluster for the scope cluster, a host for the scope host, neither for zone."),
    ),
    "server_without_protocol": Reason(
        _("A folder of the hosts themselves has no server."), _("Name the protocol, or remove the server.")
    ),
    "name_twice": Reason(_("The name stands in line %(first)s already."), _("Give each its own name.")),
    "address_twice": Reason(
        _("The address stands in line %(first)s already."), _("Give each host its own address.")
    ),
    "address_in_guest_range": Reason(
        _("%(address)s (%(what)s) lies in the guest range of the pod %(pod)s: a guest could get it too."),
        _("Change the address or the range."),
    ),
    "in_reserved_range": Reason(
        _("%(address)s (%(what)s) lies in the range kept for the portal itself, %(start)s to %(end)s."),
        _("Move it out of the range, or make the range smaller."),
    ),
    "nothing_to_run_on": Reason(
        _("The zone has no host yet: no machine can run in it."), _("Add a pod, a cluster and a host.")
    ),
    "addresses_elsewhere": Reason(
        _("The pod %(pod)s of the zone %(zone)s gives machines addresses of this range too."),
        _("Choose another range, unless the two networks are apart."),
    ),
    "images_elsewhere": Reason(
        _("The zone %(zone)s keeps its images in the same place."),
        _("Choose another folder, so that one zone can be removed without the other."),
    ),
    "no_storage": Reason(
        _("The zone has no storage of this kind: no machine can be made in it."), _("Add one.")
    ),
    "fixed_field": Reason(
        _("This is %(before)s for good; the document says %(after)s."),
        _("Correct the document, or give the part another name to make a new one."),
    ),
    "place_in_use": Reason(
        _("It cannot move to another place: it still holds %(counts)s."),
        _("Leave server, path and settings as they are, or empty it first."),
    ),
    "range_in_use": Reason(
        _("Addresses outside this range that machines hold: %(count)s."),
        _("Keep those addresses in the range, or remove the machines first."),
    ),
    "address_taken": Reason(
        _("The host %(other)s, which is not part of this zone, has this address and port."),
        _("Correct the address, or remove the other host first."),
    ),
    "this_machine_twice": Reason(
        _("A host without an address is the portal's own machine, and that is a host already."),
        _("Give this host's address."),
    ),
    "export_taken": Reason(
        _("The primary storage %(other)s, which is not part of this zone, uses this export."),
        _("Use another export."),
    ),
    "export_twice": Reason(
        _("The export stands in line %(first)s already."), _("Make it one primary storage.")
    ),
    "volumes_built_elsewhere": Reason(
        _("Gluster volumes are mounted as they are; how they are built is only noted here."),
        _("Create the volumes on their hosts before the zone is launched."),
    ),
    "not_infrastructure": Reason(_("This is not infrastructure: ignored.")),
    "management_elsewhere": Reason(_("The manager of a cluster is not part of it here: ignored.")),
}
