#!/bin/sh
# Format, lint, types, unused code, tidy rules. Each failing step is named at the end.
set -u
cd "$(dirname "$0")/.."
failed=''
step() {
  name=$1
  shift
  if ! "$@"; then
    failed="$failed $name"
  fi
}
step format oxfmt --check .
step lint oxlint --deny-warnings
step types tsc --noEmit -p tsconfig.json
step unused knip --no-progress
if [ -n "$failed" ]; then
  echo "check failed:$failed" >&2
  exit 1
fi
