"""What can be done to the hierarchy of the cloud."""

from apps.zones.services.hierarchy import (
    MAX_DNS,
    change_cluster,
    change_region,
    change_zone,
    clean_arch,
    create_cluster,
    create_region,
    create_zone,
    remove_cluster,
    remove_region,
    remove_zone,
)
from apps.zones.services.hosts import (
    add_host,
    change_host,
    clean_extra,
    clean_uri,
    clean_username,
    lock_of,
    reconnect_host,
    remove_host,
    trust_host_key,
)
from apps.zones.services.switches import disable, enable

__all__ = [
    "MAX_DNS",
    "add_host",
    "change_cluster",
    "change_host",
    "change_region",
    "change_zone",
    "clean_arch",
    "clean_extra",
    "clean_uri",
    "clean_username",
    "create_cluster",
    "create_region",
    "create_zone",
    "disable",
    "enable",
    "lock_of",
    "reconnect_host",
    "remove_cluster",
    "remove_host",
    "remove_region",
    "remove_zone",
    "trust_host_key",
]
