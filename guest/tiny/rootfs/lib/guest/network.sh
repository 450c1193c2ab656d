# The guest's network: version 2 of cloud-init's network-config, or DHCP on the first card where
# the seed says nothing. Cards are matched by MAC address, else by name; names stay the kernel's.
# Needs seed.sh.

configure_network() {
    ip link set lo up
    : > /run/resolv.conf
    for card in /sys/class/net/eth*; do
        [ -e "$card" ] || return 0
        card=${card##*/}
        section=$(section_of "$card")
        if [ -n "$section" ]; then
            configure_card "$card" "ethernets.$section"
        elif [ "$card" = eth0 ] && [ ! -s $SEED/network-config.flat ]; then
            ip link set "$card" up
            ask_for_address "$card"
        fi
    done
}

# The name under "ethernets" of the section that is meant for this card.
section_of() {
    read -r mac < "/sys/class/net/$1/address"
    by_name=
    while IFS="$TAB" read -r path value; do
        name=${path#ethernets.}
        name=${name%%.*}
        case $path in
            ethernets.*.match.macaddress) [ "$value" = "$mac" ] && echo "$name" && return ;;
            ethernets."$1".*) by_name=$name ;;
        esac
    done < $SEED/network-config.flat
    [ -n "$by_name" ] && [ -z "$(values network-config "ethernets.$by_name.match.macaddress")" ] && echo "$by_name"
}

# configure_card CARD PATH: as the section at PATH says.
configure_card() {
    mtu=$(values network-config "$2.mtu")
    [ -n "$mtu" ] && ip link set "$1" mtu "$mtu"
    ip link set "$1" up
    for address in $(values network-config "$2.addresses.*"); do
        ip addr add "$address" dev "$1" && : > /run/network-expected
    done
    for gateway in $(values network-config "$2.gateway[46]"); do
        ip route add default via "$gateway" dev "$1"
    done
    index=0
    while via=$(values network-config "$2.routes.$index.via") && [ -n "$via" ]; do
        to=$(values network-config "$2.routes.$index.to")
        onlink=$(values network-config "$2.routes.$index.on-link")
        case $to in 0.0.0.0/0 | ::/0) to=default ;; esac
        # shellcheck disable=SC2086
        ip route add "$to" via "$via" dev "$1" ${onlink:+onlink}
        index=$((index + 1))
    done
    for server in $(values network-config "$2.nameservers.addresses.*"); do
        echo "nameserver $server" >> /run/resolv.conf
    done
    case $(values network-config "$2.dhcp4") in true | yes | on) ask_for_address "$1" ;; esac
}

ask_for_address() {
    : > /run/network-expected
    udhcpc -b -i "$1" -s /lib/guest/dhcp-lease -t 5 -T 1 -A 5 -O mtu -x "hostname:$(hostname)" > /dev/null 2>&1 &
}

# The first card's address; "-" where none was ordered. Fails while an ordered one is not there yet.
first_address() {
    if [ ! -e /run/network-expected ]; then
        echo -
        return 0
    fi
    for family in -4 -6; do
        set -- $(ip -o $family addr show scope global)
        # INDEX: CARD inet ADDRESS/PREFIX ...
        [ $# -ge 4 ] && echo "${4%/*}" && return 0
    done
    return 1
}
