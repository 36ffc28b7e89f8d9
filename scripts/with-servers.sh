#!/usr/bin/env bash
# Runs a command with the servers that tests talk to: starts PostgreSQL (installing
# Debian's package when CI asks for it), exports where it is, and stops it afterwards.
# On a machine without PostgreSQL the tests that want it skip, unless CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."
if servers=$(scripts/test-servers.sh start); then
  eval "$servers"
  trap 'scripts/test-servers.sh stop' EXIT
elif [ "${CI:-}" = true ]; then
  exit 1
fi
"$@"
