#!/bin/sh
# Installs the programs that the tests use: MariaDB, for ML Metadata and as a source of rows,
# PostgreSQL, as a source of rows, Chromium, to look at reports, and curl, for the commands that
# the documents show. The tests start servers of their own; the system's services stay off.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=
command -v mariadbd >/dev/null 2>&1 || missing="$missing mariadb-server"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
if [ -z "$missing" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "set-up: the tests need programs: apt-get install$missing" >&2
    exit 1
fi
echo "set-up: installing$missing ..." >&2
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then  # keeps Debian from starting the services
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086 # several packages
apt-get install -qq -y --no-install-recommends $missing >/dev/null
