#!/bin/sh
# Stands in for the `initdb.made` beside it, and is called as `initdb -D DATA OPTION...`: the first call for the same options keeps what it makes, the others copy it. Tests give all their servers the
# same password. A small segment of WAL is quick to copy. Of two calls that make one at the same time, one is kept.
set -eu
here=$(dirname "$0")
data=$2
kept=$here/../kept/$(echo "$3 $4 $5 $6 $7 $8 $9" | tr -c 'a-zA-Z0-9\n' -)
if [ ! -e "$kept" ]; then
  new=$(mktemp -d "$here/../kept/new.XXXXXX")
  shift 2
  "$here/initdb.made" -D "$new/data" --no-sync --wal-segsize=1 "$@"
  mv -T "$new/data" "$kept" 2> /dev/null || [ -e "$kept" ]
fi
cp -a "$kept" "$data"
