#!/usr/bin/env bash
# Runs a command with the servers that tests talk to, and stops them afterwards:
# PostgreSQL, and LiteLLM's proxy as an OpenAI-compatible server that is not ours.
# What cannot be started is an error when CI=true; elsewhere its tests skip. LiteLLM is
# only tried in CI or with OUTCROP_WITH_LITELLM=1: its first start installs a lot.
set -euo pipefail
cd "$(dirname "$0")/.."

started=()
stop_all() { for s in "${started[@]}"; do "$s" stop >/dev/null || true; done; }
trap stop_all EXIT

start() {
  local vars
  if vars=$("$1" start); then
    eval "$vars"
    started+=("$1")
  elif [ "${CI:-}" = true ]; then
    exit 1
  fi
}

start scripts/test-servers.sh
if [ "${CI:-}" = true ] || [ -n "${OUTCROP_WITH_LITELLM:-}" ]; then
  start scripts/litellm.sh
fi
"$@"
