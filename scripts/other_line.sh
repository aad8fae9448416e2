#!/bin/sh
# Runs a command in a copy of the project with the other line of TFX: the one that .venv does
# not hold.
#
#     sh scripts/other_line.sh .venv/bin/python runners/local_runner.py
#
# TFX 1.21 needs glibc 2.39. On an older Linux it runs in a Debian 13 root, which debootstrap
# makes below ~/.cache/tfx-pipeline (TFX_PIPELINE_CACHE names another folder) and which stays
# for the next time. That needs the rights of root. Where it cannot be had, the exit code is 69.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
cache=${TFX_PIPELINE_CACHE:-$HOME/.cache/tfx-pipeline}

say() {
    echo "other line: $*" >&2
}

cannot() {
    say "TFX $other is left out: $*"
    exit 69
}

# Whether something is true of the other line, by the rules of the set-up.
ask() {
    (cd "$project" && .venv/bin/python -c "
import sys
from scripts import pythons, tfx_line
line = sys.argv[1]
sys.exit(not ($1))" "$other")
}

# Copies what git knows; environments and what runs have written stay.
copy_project_to() {
    mkdir -p "$1"
    find "$1" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools ! -name .airflow-venv \
        ! -name .kubeflow ! -name build -exec rm -rf {} +
    (cd "$project" && git ls-files -z --cached --others --exclude-standard |
        tar --create --null --ignore-failed-read --files-from - 2>/dev/null) |
        tar --extract --directory "$1"
}

run_here() {
    ask 'any(map(pythons.find_python, tfx_line.LINES[line]))' ||
        cannot "none of its Pythons was found on PATH or in pyenv"
    copy_project_to "$cache/tfx-$other"
    cd "$cache/tfx-$other"
    TFX_LINE=$other sh scripts/setup.sh tfx-dev
    exec "$@"
}

make_debian() {
    why="glibc here is too old, and"
    [ "$(id -u)" = 0 ] || cannot "$why a Debian 13 root needs the rights of root"
    unshare --mount true 2>/dev/null || cannot "$why this process may not mount anything"
    command -v debootstrap >/dev/null ||
        apt-get install --quiet --quiet --yes debootstrap >/dev/null 2>&1 ||
        cannot "$why debootstrap could not be installed"
    if [ ! -e "$root/.made" ]; then
        say "making a Debian 13 root in $root (2 minutes)"
        rm -rf "$root"
        mkdir -p "$root"
        # The mirror that this machine uses; without one, debootstrap's own.
        mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
        packages=python3,python3-dev,python3-venv,g++,make,git,ca-certificates,procps
        # shellcheck disable=SC2086 # no word where there is no mirror
        debootstrap --variant=minbase --include=$packages trixie "$root" $mirror >"$root.log" 2>&1 ||
            cannot "debootstrap failed, see $root.log"
        touch "$root/.made"
    fi
    # How this machine reaches others may have changed since.
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
}

# The mounts are seen by the command only, and end with it.
in_debian() {
    # shellcheck disable=SC2016 # the inner shell expands it
    unshare --mount sh -c '
        root=$1; shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 1
        exec chroot "$root" /usr/bin/env HOME=/root LANG=C.UTF-8 \
            PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
            SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
            sh -c '\''cd /project && exec "$@"'\'' sh "$@"' sh "$root" "$@"
}

case $(cat "$project/.venv/.installed.json" 2>/dev/null) in
*tfx-1.21*) other=1.16 ;;
*tfx-1.16*) other=1.21 ;;
*) echo "other line: call make setup-dev first: .venv is not there" >&2; exit 2 ;;
esac
if ! ask 'tfx_line.glibc_too_old(line)'; then
    run_here "$@"
fi
root=$cache/debian-13
make_debian
copy_project_to "$root/project"
in_debian sh -c 'sh scripts/setup.sh tfx-dev && sh scripts/setup_servers.sh'
in_debian "$@"
