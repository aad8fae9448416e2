#!/bin/sh
# Installs MariaDB's server, for the tests that keep ML Metadata on MySQL. The tests
# start one of their own; the system's service stays off.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
if command -v mariadbd >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "set-up: the tests need MariaDB: apt-get install mariadb-server" >&2
    exit 1
fi
echo "set-up: installing mariadb-server ..." >&2
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then  # keeps Debian from starting the service
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends mariadb-server >/dev/null
