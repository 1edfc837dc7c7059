#!/usr/bin/env bash
# Installs the servers that judge our clients, in pinned versions where they are not Debian's.
#
#   setup.sh [GROUP...]            groups: oidc, digest, oauth1; none named means all
#   setup.sh --packages GROUP...   only names the Debian packages of these groups
#
# Packages of npm and PyPI go to ${NETWORKPYPE_PEERS:-~/.cache/networkpype-peers}. Debian's packages are installed where
# this runs as root, and named elsewhere. What is there already is left alone, so that a second run takes no time.
set -euo pipefail

home=${NETWORKPYPE_PEERS:-$HOME/.cache/networkpype-peers}
all_groups=(oidc digest oauth1)
complete=yes

say() { printf 'peers: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

packages_of() {
    case $1 in
        oidc) echo apache2-bin libapache2-mod-oauth2 haproxy python3-venv ;;
        digest) echo apache2-bin python3-venv ;;
        oauth1) echo python3-venv ;;
        *) fail "there is no group '$1'; groups: ${all_groups[*]}" ;;
    esac
}

# Whether another Python than Debian's brings what the package is for.
have_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

debian() {
    local package missing=()
    for package in "$@"; do
        if [ "$package" = python3-venv ] && have_venv; then continue; fi
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        complete=no
        say "these Debian packages, or what stands for them here, are missing: ${missing[*]}"
        return 0
    fi
    say "installing ${missing[*]}"
    without_services apt_install "${missing[@]}" || fail "apt-get could not install ${missing[*]}"
}

# The package lists of a new machine are empty or old, and those of others are good enough.
apt_install() { apt_get install "$@" || { apt_get update && apt_get install "$@"; }; }
apt_get() { DEBIAN_FRONTEND=noninteractive apt-get "$1" -qq -y --no-install-recommends "${@:2}" >>"$home/apt.log" 2>&1; }

# A developer who wants to test does not want a proxy to serve the network: Debian starts no service while this file says no.
without_services() {
    local policy=/usr/sbin/policy-rc.d made='' outcome=0
    if [ ! -e "$policy" ]; then
        made=yes
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    "$@" || outcome=1
    [ -z "$made" ] || rm -f "$policy"
    return "$outcome"
}

# Does `$3...` unless it was done in folder `$1` for the very same file `$2`. The mark goes when the folder goes.
once_for() {
    local file=$2 mark
    mark=$1/.$(cksum <"$file" | tr ' ' -)-$(basename "$file")
    shift 2
    [ ! -e "$mark" ] || return 0
    say "installing what $(basename "$file") lists"
    "$@"
    touch "$mark"
}

npm_packages() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 11) ? 0 : 1)' 2>/dev/null ||
        fail "Node.js 20.11 or newer is needed, which this script does not install"
    once_for "$home/npm" npm/package-lock.json npm_install
}

npm_install() {
    mkdir -p "$home/npm"
    cp npm/* "$home/npm/"
    npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$home/npm"
}

python_packages() {
    if ! have_venv; then
        complete=no
        return 0
    fi
    [ -x "$home/venv/bin/python" ] || python3 -m venv --clear "$home/venv"
    once_for "$home/venv" "python/$1.txt" "$home/venv/bin/pip" install -q --disable-pip-version-check -r "python/$1.txt"
}

install_group() {
    case $1 in
        oidc)
            npm_packages
            python_packages oidc
            ;;
        digest | oauth1) python_packages "$1" ;;
    esac
}

only_packages=''
if [ "${1:-}" = --packages ]; then
    only_packages=yes
    shift
fi
groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=("${all_groups[@]}")
packages=()
for group in "${groups[@]}"; do
    names=$(packages_of "$group")
    read -ra names <<<"$names"
    packages+=("${names[@]}")
done
if [ -n "$only_packages" ]; then
    printf '%s\n' "${packages[@]}" | sort -u
    exit
fi

mkdir -p "$home"
home=$(cd "$home" && pwd)
cd "$(dirname "$0")"
# Two at a time would write to the same folders.
exec 9>"$home/lock"
if command -v flock >/dev/null; then flock 9; fi

mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
debian "${packages[@]}"
for group in "${groups[@]}"; do
    install_group "$group"
done
[ "$complete" = yes ] || fail "not all is in place"
say "${groups[*]} are in place"
