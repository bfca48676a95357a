#!/bin/sh
# Installs what package-lock.json names, once: a second call with the same lock file does nothing.
# Every npm script that runs code calls it first, so a clean checkout needs only Node >= 20 and npm.
set -eu
cd "$(dirname "$0")/.."
installed=node_modules/.countersign-lock
if ! cmp -s package-lock.json "$installed"; then
  npm ci --no-progress --loglevel=error >&2
  cp package-lock.json "$installed"
fi
