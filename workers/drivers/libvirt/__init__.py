"""KVM and QEMU machines through libvirt. libvirt's word "domain" is used in this package only."""
