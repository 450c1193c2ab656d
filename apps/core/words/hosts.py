"""Words for what is the matter with a host: what it means for its machines, and what an operator does."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Words

_RUNS_ON = _("Its machines run on or not without the portal; it gets no new ones.")

HOST_TROUBLES: dict[str, Words] = {
    "host_key_untrusted": Words(
        _("The host's key is not trusted yet"),
        _("The portal read the key that the host shows. It sends the host nothing before you trust it."),
        _("Compare the fingerprint with what the host itself says, and trust the key."),
    ),
    "wrong_arch": Words(
        _("The host has another processor architecture"),
        _("It answers, but its processors are not of the architecture that its cluster declares."),
        _("Remove it here and add it to a cluster of its own architecture."),
    ),
    "host_unreachable": Words(
        _("The host does not answer"),
        _RUNS_ON,
        _("Check its power, network and SSH server. It comes back by itself; or reconnect it at once."),
    ),
    "host_timeout": Words(
        _("The host takes too long"),
        _RUNS_ON,
        _("Check its load and its network, then reconnect it."),
    ),
    "host_key_mismatch": Words(
        _("The host shows another key"),
        _("It shows another key than the one that is trusted, so nothing was sent to it."),
        _(
            "Find out why. If it was installed anew, empty its trusted key under “Change”: "
            "its new key is then read and shown to you."
        ),
    ),
    "host_access_denied": Words(
        _("The host does not let the portal in"),
        _("The host refuses this user name and key."),
        _(
            "Put the portal's public key into the user's authorized_keys on the host, or give the right "
            "private key under “Change”; then reconnect it."
        ),
    ),
    "hypervisor_refused": Words(
        _("The hypervisor refuses"),
        _("The host lets the portal in, but its hypervisor refuses to tell what it is made of."),
        _("Check on the host that libvirt runs and that the user may use it; then reconnect it."),
    ),
    "command_failed": Words(
        _("A command on the host failed"),
        _("The host lets the portal in, but a command that reads what it is made of ended with an error."),
        _("The last job says which; install what is missing on the host, then reconnect it."),
    ),
    "driver_failed": Words(
        _("The host could not be read"),
        _("The host answers, but not as the portal needs it."),
        _("The last job says what failed. Mend it on the host, then reconnect it."),
    ),
    "host_sync_stale": Words(
        _("No report for a while"),
        _("The host's last report is old, but nothing says that the host itself is at fault."),
        _("If all hosts show this, the portal's workers do not run: look at their logs."),
    ),
    "host_overfull": Words(
        _("More is promised than the host has"),
        _("Its machines hold more than its capacity, since overcommit or memory became less."),
        _("Nothing has to be done: it gets no new machines until enough of them have gone."),
    ),
    "host_disabled": Words(
        _("The host is disabled"),
        _("It gets no new machines. Those that run there run on."),
        _("Enable it when it may get machines again."),
    ),
}
