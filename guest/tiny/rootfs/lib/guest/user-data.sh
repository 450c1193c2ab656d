# The user's own data: a script, or the few keys of #cloud-config that this guest knows
# (hostname, ssh_authorized_keys, write_files, runcmd). Everything else is named on the console
# as not done. Needs seed.sh.

LOG=/var/log/user-data.log

run_user_data() {
    [ -s $SEED/user-data ] || return 0
    read -r header < $SEED/user-data
    case $header in
        '#!'*)
            cp $SEED/user-data /var/lib/cloud/user-script
            chmod 700 /var/lib/cloud/user-script
            logged /var/lib/cloud/user-script
            say "user-data: script ended with exit code $?"
            ;;
        '#cloud-config' | '#cloud-config'[[:space:]]*)
            write_files
            run_commands
            unknown=$(cut -f 1 $SEED/user-data.flat | cut -d . -f 1 | sort -u | grep -vxE 'hostname|ssh_authorized_keys|write_files|runcmd' | tr '\n' ' ')
            say "user-data: applied${unknown:+; not done by this small guest: $unknown}"
            ;;
        *) say "user-data: of a kind that this small guest does not know" ;;
    esac
}

logged() {
    (umask 077; "$@" >> $LOG 2>&1)
}

# entry PATH: the value at exactly this path of the user's cloud-config, as it is.
entry() {
    while IFS="$TAB" read -r path value; do
        [ "$path" = "$1" ] && printf '%b' "$value" && return
    done < $SEED/user-data.flat
}

has_entry() {
    cut -f 1 $SEED/user-data.flat | grep -qxF "$1"
}

write_files() {
    index=0
    while has_entry "write_files.$index.path"; do
        item=write_files.$index
        target=$(entry $item.path)
        mkdir -p "${target%/*}"
        case $(entry $item.encoding) in
            b64 | base64) entry $item.content | base64 -d > "$target" ;;
            *) entry $item.content > "$target" ;;
        esac
        has_entry $item.permissions && chmod "$(entry $item.permissions)" "$target"
        has_entry $item.owner && chown "$(entry $item.owner)" "$target"
        index=$((index + 1))
    done
}

run_commands() {
    index=0
    while :; do
        if has_entry "runcmd.$index"; then
            logged sh -c "$(entry "runcmd.$index")"
        elif has_entry "runcmd.$index.0"; then
            set --
            while has_entry "runcmd.$index.$#"; do
                set -- "$@" "$(entry "runcmd.$index.$#")"
            done
            logged "$@"
        else
            return 0
        fi
        index=$((index + 1))
    done
}
