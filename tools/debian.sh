#!/bin/sh
# The Debian packages that tests drive: clients and servers that others wrote. Installs what is missing, quietly. A benchmark names more of them.
set -eu
missing=''
for package in postgresql-15 postgresql-client-15 postgresql-contrib python3-psycopg strace openssl e2fsprogs util-linux procps "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
# No cluster of the system's own: tests start their own servers.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
apt-get -qq update
# shellcheck disable=SC2086
apt-get -qq install -y --no-install-recommends $missing > /dev/null
