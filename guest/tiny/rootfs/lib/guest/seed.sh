# The NoCloud seed: a disk with the volume label "cidata" whose files say who this guest is.
# What is read here stays in /run/seed until the guest is off.

SEED=/run/seed

say() {
    # Behind a login prompt, on a line of its own.
    [ -e /run/login-prompt ] && echo
    echo "cloudportal guest $*"
} > /dev/console

read_seed() {
    mkdir -p $SEED /run/mnt
    for device in /sys/block/[vs][dr]*; do
        device=/dev/${device##*/}
        # An ISO 9660 volume label is at byte 40 of sector 16.
        case $(dd if="$device" bs=8 skip=4101 count=1 2>/dev/null) in
            cidata* | CIDATA*) mount -t iso9660 -o ro "$device" /run/mnt && break ;;
        esac
    done
    for name in meta-data vendor-data network-config user-data; do
        [ -f "/run/mnt/$name" ] && cp "/run/mnt/$name" "$SEED/$name"
    done
    umount /run/mnt 2>/dev/null
    chmod 700 $SEED
    for name in meta-data vendor-data network-config; do
        flatten "$SEED/$name"
    done
    case $(head -n 1 $SEED/user-data 2>/dev/null) in
        '#cloud-config' | '#cloud-config'[[:space:]]*) flatten $SEED/user-data ;;
        *) : > $SEED/user-data.flat ;;
    esac
}

# flatten FILE: write FILE.flat, one "path<TAB>value" a line (see yaml.awk).
flatten() {
    if [ -f "$1" ]; then
        awk -f /lib/guest/yaml.awk "$1" > "$1.flat"
    else
        : > "$1.flat"
    fi
}

# values NAME PATTERN: the values in the seed's file NAME whose path matches PATTERN, one a line.
values() {
    while IFS="$TAB" read -r path value; do
        case $path in $2) printf '%b\n' "$value" ;; esac
    done < "$SEED/$1.flat"
}

TAB=$(printf '\t')
