#!/usr/bin/env bash
# Starts Outcrop on a throw-away folder with nothing configured, uses it through the AWS
# CLI and boto3, shows what it recorded, and stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/bin:$PWD/.venv/bin:$PATH"

data=$(mktemp -d)
log=$data/serve.log
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
outcrop serve --listen "127.0.0.1:$port" --data "$data/outcrop" >"$log" 2>&1 &
server=$!
cleanup() {
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  rm -rf "$data"
}
trap cleanup EXIT

python3 scripts/wait-ready.py "http://127.0.0.1:$port" "$server" || { cat "$log"; exit 1; }

step() { printf '\n\033[1m▸ %s\033[0m\n' "$*"; }

step "outcrop serve says"
sed 's/^/  /' "$log"

eval "$(outcrop env --listen "127.0.0.1:$port" --data "$data/outcrop")"
step "the AWS CLI, pointed at it by: eval \"\$(outcrop env)\""
aws sts get-caller-identity --output text --query Arn
aws bedrock list-foundation-models --by-provider anthropic --output table \
  --query 'modelSummaries[?modelLifecycle.status==`ACTIVE` && !contains(modelId, `:0:`)].{Model:modelId, Name:modelName}'

python scripts/demo.py

sleep 1 # the ledger shows a call within a second
step "every call is in the ledger"
outcrop ledger --listen "127.0.0.1:$port" --data "$data/outcrop"
