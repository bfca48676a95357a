#!/bin/sh
# The Debian packages that tests drive: clients and servers that others wrote. A benchmark names more of them. Installs what is missing, quietly, where that
# is possible (Debian, root, a package mirror); elsewhere it says what is missing, and what drives it is skipped and says so.
set -eu
missing=''
packages='postgresql-15 postgresql-client-15 postgresql-contrib python3-psycopg python3-cbor2 python3-cryptography strace openssl curl git e2fsprogs util-linux procps systemd chromium softhsm2 opensc openssh-client openssh-server python3-paramiko rsync redis-server redis-tools python3-redis mariadb-server mariadb-client python3-pymysql ansible-core'
# A kubectl may come from elsewhere, where Debian's package would take its place.
command -v kubectl > /dev/null || packages="$packages kubernetes-client"
# With --only, those that are named behind it and no others: the demo needs fewer, and says itself what it lacks.
tell=echo
case "${1-}" in
  --only) shift && packages="$*" && tell=: ;;
  *) packages="$packages $*" ;;
esac
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  $tell "NOT INSTALLED:$missing: what drives them is skipped." >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
install() {
  # No cluster of the system's own: tests start their own servers.
  mkdir -p /etc/postgresql-common &&
    { [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; } &&
    apt-get -qq update &&
    apt-get -qq install -y --no-install-recommends "$@" > /dev/null
}
# shellcheck disable=SC2086
install $missing || $tell "NOT INSTALLED:$missing: what drives them is skipped." >&2
