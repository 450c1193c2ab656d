"""Words for the code of every error: of requests, of use cases, of drivers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.words.says import Plural, Words

_TELL = _("Try again; if it happens again, tell an operator the request id.")
_OPERATOR = _("Ask an operator to look at the host.")

REQUEST_CODES: dict[str, Words] = {
    "internal": Words(
        _("Something went wrong"),
        _("Something went wrong that was not foreseen."),
        _TELL,
    ),
    "malformed_request": Words(
        _("The request cannot be read"),
        _("The request's body cannot be read."),
        _("Send one JSON object, encoded in UTF-8."),
    ),
    "request_too_large": Words(
        _("The request is too large"),
        _("The request's body is longer than %(limit)s bytes."),
        _("Send less."),
    ),
    "not_authenticated": Words(
        _("Not logged in"),
        _("The request carries no valid token or session."),
        _("Log in, or send a valid token as “Authorization: Token …”."),
    ),
    "permission_denied": Words(
        _("Not allowed"),
        _("You may not do this."),
        _("Ask an operator, or a member of the account that owns it."),
    ),
    "locked_out": Words(
        _("Locked for a while"),
        Plural(
            lambda n: ngettext(
                "Too many logins failed from here. Nobody can try again for %(minutes)s minute.",
                "Too many logins failed from here. Nobody can try again for %(minutes)s minutes.",
                n,
            ),
            by="minutes",
        ),
        _("Wait until then, or ask an operator to let you try at once."),
    ),
    "not_found": Words(
        _("Not found"),
        _("There is no such object, or you may not know of it."),
        _("Check the address or the id; the lists show what there is."),
    ),
    "method_not_allowed": Words(
        _("Method not allowed"),
        _("This address does not take %(method)s."),
        _("Use a method that the Allow header names."),
    ),
    "not_acceptable": Words(
        _("Format not available"),
        _("The answer is not available in the format that was asked for."),
        _("Ask for application/json."),
    ),
    "unsupported_media_type": Words(
        _("Unsupported media type"),
        _("The request's body has a type that this address does not take."),
        _("Send application/json; an image's file goes as multipart/form-data."),
    ),
    "throttled": Words(
        _("Too many requests"),
        _("You sent more requests than are answered at a time."),
        _("Try again in %(seconds)s seconds."),
    ),
    "database_unavailable": Words(
        _("The portal cannot reach its database"),
        _("The database does not answer now; nothing was changed."),
        _("Try again in a moment."),
    ),
    "storage_unavailable": Words(
        _("The secondary storage cannot be written"),
        _("The portal cannot write to the secondary storage %(storage)s."),
        _("Ask an operator to check its folder, its owner and its free space."),
    ),
}

USE_CASE_CODES: dict[str, Words] = {
    "invalid_input": Words(
        _("A value cannot be used"),
        _("This value cannot be used."),
        _("Correct the value and send the request again."),
    ),
    "resource_busy": Words(
        _("Busy"),
        _("Another job works on it now."),
        _("Wait until that job has ended, or cancel it."),
    ),
    "state_conflict": Words(
        _("Not possible in this state"),
        _("Its state is %(state)s, which does not allow this."),
        _("Look at its present state and choose again."),
    ),
    "object_in_use": Words(
        _("Still in use"),
        _("It is still used by: %(counts)s."),
        _("Remove those first."),
    ),
    "name_taken": Words(
        _("The name is taken"),
        _("Another one has this name; capitals and accents make no difference."),
        _("Choose another name."),
    ),
    "conflict": Words(
        _("This cannot be stored"),
        _("It conflicts with what is there, or what it refers to has just gone."),
        _("Load the present state and try again."),
    ),
    "quota_exceeded": Words(
        _("The quota is used up"),
        _(
            "The quota of %(owner)s for %(resource)s is %(limit)s; %(used)s are used and %(wanted)s more "
            "are needed."
        ),
        _("Delete what you no longer need, choose a smaller size, or ask for more: %(who)s."),
    ),
    "domain_quota_exceeded": Words(
        _("A quota above your account is used up"),
        _(
            "There is no room for %(wanted)s more (%(resource)s) in what your account shares with others of "
            "%(domain)s."
        ),
        _("Delete what you no longer need, choose a smaller size, or ask for more: %(who)s."),
    ),
    "account_disabled": Words(
        _("The account is disabled"),
        _("Nothing can be started or made for “%(name)s” now."),
        _("Ask an administrator of the domain “%(domain)s”."),
    ),
    "insufficient_capacity": Words(
        _("No host can take the machine now"),
        _("None has enough of what the machine needs."),
        _("Choose a smaller size or try later; the machine's placement says what would help."),
    ),
    "idempotency_mismatch": Words(
        _("The Idempotency-Key was used before"),
        _("This Idempotency-Key came with another request before, or by a token that may something else."),
        _("Use a new key for a new request."),
    ),
    "cancelled": Words(
        _("Cancelled"),
        _("The job was cancelled; everything is as it was before."),
        _("Start it again whenever you like."),
    ),
    "worker_lost": Words(
        _("The workers did not come back"),
        _("Every worker that tried this step was lost, so the job was given up."),
        _("An operator can look at the workers' logs and then retry or resolve the job."),
    ),
    "template_unavailable": Words(
        _("The image could not be copied"),
        _("The image could not be brought into the storage pool."),
        _("Look at the job that copied it; try again once its trouble is mended."),
    ),
    "parts_failed": Words(
        _("A part of the work fails again and again"),
        _("Jobs below this one that are done: %(done)s. Jobs that failed: %(failed)s."),
        _("Open the jobs below it that failed, put right what they name, then retry this one."),
    ),
    "batch_incomplete": Words(
        _("Part of the batch failed"),
        Plural(
            lambda n: ngettext(
                "%(done)s machine was made and %(failed)s failed.",
                "%(done)s machines were made and %(failed)s failed.",
                n,
            ),
            by="done",
        ),
        _("Look at those that failed: each says why and can be tried again."),
    ),
    "document_refused": Words(
        _("The document cannot be applied"),
        _("Nothing was changed. The first of %(count)s findings, at %(at)s: %(why)s"),
        _("Correct what is named and send the document again."),
    ),
    "zone_warning": Words(
        _("This looks odd"),
        _("This can be applied as it stands, but looks odd."),
        _("See whether it is meant."),
    ),
    "zone_ignored": Words(
        _("This is ignored"),
        _("This part of the document is ignored."),
        _("Nothing has to be done."),
    ),
    "directory_unavailable": Words(
        _("The directory cannot be used"),
        _("The campus' directory does not answer as it should."),
        _("Try again in a while; an operator finds out more with “Test the connection”."),
    ),
}

DRIVER_CODES: dict[str, Words] = {
    "driver_failed": Words(
        _("The host could not do it"),
        _("The host or its hypervisor could not do what was asked."),
        _OPERATOR,
    ),
    "host_unreachable": Words(
        _("The host does not answer"),
        _("It did not answer over the network in time, or refused the connection."),
        _(
            "Work that still waits for it goes on by itself once it answers. "
            "An operator checks its power, network and SSH port."
        ),
    ),
    "host_key_mismatch": Words(
        _("The host shows another key"),
        _("The host shows another key than the one that was recorded for it, so nothing was sent to it."),
        _("An operator must find out why: a reinstalled host gets its new key recorded by adding it again."),
    ),
    "host_access_denied": Words(
        _("The host does not let us in"),
        _("The host does not let the portal in with this user and key."),
        _("An operator must put the portal's public key on the host, or give the right private key."),
    ),
    "host_timeout": Words(
        _("The host took too long"),
        _("The host took longer than this may take."),
        _("The job is tried again by itself; an operator can check the host's load."),
    ),
    "host_busy": Words(
        _("The host is busy"),
        _("The host is doing something else with the same object."),
        _("The job is tried again by itself."),
    ),
    "machine_not_found": Words(
        _("The host does not know the machine"),
        _("The machine is no longer defined on its host."),
        _("Start the machine again; it is then defined anew."),
    ),
    "object_missing": Words(
        _("A file is missing"),
        _("A file or image that this builds on is not there."),
        _("An operator can check the storage pool and the secondary storage."),
    ),
    "pool_full": Words(
        _("The storage is full"),
        _("The storage pool has no room left."),
        _("Delete machines or images that are not needed, or ask an operator for more storage."),
    ),
    "hypervisor_refused": Words(
        _("The hypervisor refused"),
        _("The hypervisor refuses what was asked, and would again."),
        _("An operator finds its own words under the technical details."),
    ),
    "command_failed": Words(
        _("A command on the host failed"),
        _("A command on the host ended with an error."),
        _("An operator finds its output under the technical details."),
    ),
    "image_rejected": Words(
        _("The image cannot be used"),
        _("The file is not a disk image that may be used."),
        _("Upload a qcow2 image that stands for itself."),
    ),
}

CODES: dict[str, Words] = {**REQUEST_CODES, **USE_CASE_CODES, **DRIVER_CODES}
