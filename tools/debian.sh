#!/bin/sh
# The Debian packages that tests drive: clients and servers that others wrote. A benchmark names more of them. Installs what is missing, quietly, where that
# is possible (Debian, root, a package mirror); elsewhere it says what is missing, and tests that drive it are skipped and say so.
set -eu
missing=''
# Another kubectl than Debian's may be there, and both have the same file.
kubectl=kubernetes-client
! command -v kubectl > /dev/null || kubectl=''
for package in postgresql-15 postgresql-client-15 postgresql-contrib python3-psycopg python3-cbor2 python3-cryptography strace openssl curl git e2fsprogs util-linux procps systemd chromium softhsm2 opensc openssh-client openssh-server python3-paramiko rsync mariadb-server mariadb-client python3-pymysql libmariadb-java redis-server redis-tools python3-redis ansible-core $kubectl "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "NOT INSTALLED:$missing: tests that drive them are skipped." >&2
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
install $missing || echo "NOT INSTALLED:$missing: tests that drive them are skipped." >&2
