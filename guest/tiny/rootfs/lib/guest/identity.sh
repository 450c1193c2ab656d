# Who this guest is: its name, its instance, who may log in. Needs seed.sh.

KNOWN_INSTANCE=/var/lib/cloud/instance-id

set_hostname() {
    name=$(values user-data hostname)
    name=${name:-$(values meta-data local-hostname)}
    [ -n "$name" ] && echo "$name" > /etc/hostname
    hostname -F /etc/hostname
}

instance_id() {
    id=$(values meta-data instance-id)
    echo "${id:-none}"
}

# True from the first start with another instance id until remember_instance. A disk without a
# seed keeps the instance it was.
is_new_instance() {
    [ -f $SEED/meta-data ] && [ "$(instance_id)" != "$(cat $KNOWN_INSTANCE 2>/dev/null)" ]
}

remember_instance() {
    instance_id > $KNOWN_INSTANCE.tmp && mv $KNOWN_INSTANCE.tmp $KNOWN_INSTANCE
}

# A copied disk must not answer with the keys of the machine it was copied from.
forget_host_keys() {
    rm -f /etc/dropbear/dropbear_*_host_key
}

# Let the seed's keys, and no others, in as root and as the default user.
admit_users() {
    user=$(values vendor-data user.name)
    user=${user:-$(values vendor-data user)}
    user=${user:-cloud}
    grep -q "^$user:" /etc/passwd || add_user "$user"
    rm -f /home/*/.ssh/authorized_keys
    {
        values meta-data 'public-keys.*'
        values user-data 'ssh_authorized_keys.*'
    } > /run/authorized_keys
    admit root /root
    [ "$user" = root ] || admit "$user" "/home/$user"
    rm /run/authorized_keys
}

add_user() {
    uid=$((999 + $(wc -l < /etc/passwd)))
    echo "$1:x:$uid:$uid::/home/$1:/bin/sh" >> /etc/passwd
    echo "$1:x:$uid:" >> /etc/group
    echo "$1:*:19000:0:99999:7:::" >> /etc/shadow
}

# admit USER HOME: give the user the keys in /run/authorized_keys.
admit() {
    mkdir -p "$2/.ssh"
    cp /run/authorized_keys "$2/.ssh/authorized_keys"
    chmod 700 "$2" "$2/.ssh"
    chmod 600 "$2/.ssh/authorized_keys"
    chown -R "$1:$1" "$2"
}

# The web page: what this guest is, for whoever asks from outside.
publish_status() {
    id=$(instance_id | sed 's/&/\&amp;/g; s/</\&lt;/g')
    cat > /srv/www/index.html.tmp << PAGE
<!doctype html><html lang="en"><meta charset="utf-8"><title>$(hostname)</title>
<h1>$(hostname)</h1>
<dl>
<dt>hostname</dt><dd id="hostname">$(hostname)</dd>
<dt>instance-id</dt><dd id="instance-id">$id</dd>
<dt>address</dt><dd id="address">$(first_address)</dd>
</dl>
</html>
PAGE
    mv /srv/www/index.html.tmp /srv/www/index.html
}
