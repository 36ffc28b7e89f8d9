#!/usr/bin/env bash
# Starts Outcrop on a throw-away folder and drives it with official and third-party
# clients: `run.sh smoke` (boto3, AWS CLI, Go, JS) or `run.sh all`.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:-all}
export PATH="$PWD/bin:$PWD/.venv/bin:$PATH"

data=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export OUTCROP_FLAGS="--listen 127.0.0.1:$port --data $data/outcrop --config $PWD/conformance/outcrop.yaml"
outcrop serve $OUTCROP_FLAGS >"$data/log" 2>&1 &
server=$!
cleanup() {
  code=$?
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  [ "$code" = 0 ] || { echo "--- server log"; tail -n 60 "$data/log"; }
  rm -rf "$data"
}
trap cleanup EXIT
for _ in $(seq 100); do
  curl -fsS -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.05
done
eval "$(outcrop env $OUTCROP_FLAGS)"
OUTCROP_BEARER=$(outcrop key create js --bearer --json $OUTCROP_FLAGS | python3 -c 'import json, sys; print(json.load(sys.stdin)["apiKey"])')
export OUTCROP_BEARER AWS_EC2_METADATA_DISABLED=true

echo "== boto3, AWS CLI, the guide"
python -m pytest -q -p no:cacheprovider conformance/python
echo "== AWS SDK for Go"
(cd conformance && CGO_ENABLED=0 go test -count=1 ./gosdk)
echo "== AWS SDK for JavaScript"
(cd conformance && node --test js/converse.test.js)
if [ "$suite" = all ]; then
  echo "== Anthropic, Vercel AI, LangChain"
  (cd conformance && node --test js/frameworks.test.js)
fi
echo "conformance ($suite): passed"
