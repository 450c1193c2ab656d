"""What the record and the last report say of a host."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.jobs.models import Job
from apps.jobs.world import Finding
from apps.zones.models import Host, HostState
from apps.zones.trouble import troubles_of


def host_finding(host: Host) -> Finding:
    seen = _("answers") if host.state == HostState.UP and not troubles_of(host) else host.get_state_display()
    return Finding(_("Its host"), host.name, seen, host.last_seen_at)


def findings_of_host(job: Job) -> list[Finding]:
    host = Host.objects.filter(uuid=job.target_uuid).first()
    if host is None:
        return []
    return [Finding(_("The host"), host.get_state_display(), seen_at=host.last_seen_at)]
