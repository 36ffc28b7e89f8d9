#!/usr/bin/env bash
# Starts Outcrop on a throw-away folder and drives it with official and third-party
# clients: `run.sh smoke` (boto3, AWS CLI, Go, JS) or `run.sh all`.
#
# Three servers run: one in clear text, one with TLS for bearer keys, which boto3 sends
# over nothing else, and one whose Claude is a decoder in the embedded engine (a small
# model with random weights: what it says makes no sense, how it says it has to be right).
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:-all}
export PATH="$PWD/bin:$PWD/.venv/bin:$PATH" AWS_EC2_METADATA_DISABLED=true

data=$(mktemp -d)
servers=()
cleanup() {
  code=$?
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  [ "$code" = 0 ] || tail -n 40 "$data"/*.log
  rm -rf "$data"
}
trap cleanup EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start NAME URL FLAGS... runs a server and waits until it is ready.
start() {
  local name=$1 url=$2
  shift 2
  outcrop serve "$@" >"$data/$name.log" 2>&1 &
  servers+=($!)
  python3 scripts/wait-ready.py "$url" "${servers[-1]}" "$data/cert.pem"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=outcrop-conformance \
  -addext subjectAltName=IP:127.0.0.1 -keyout "$data/key.pem" -out "$data/cert.pem" 2>/dev/null
cat >"$data/tls.yaml" <<YAML
tls: {cert: $data/cert.pem, key: $data/key.pem}
auto_detect: false
YAML

plain=$(free_port)
export OUTCROP_FLAGS="--listen 127.0.0.1:$plain --data $data/outcrop --config $PWD/conformance/outcrop.yaml"
# shellcheck disable=SC2086 # flags are words
start plain "http://127.0.0.1:$plain" $OUTCROP_FLAGS
tls=$(free_port)
export OUTCROP_TLS_URL="https://127.0.0.1:$tls"
export OUTCROP_TLS_FLAGS="--listen 127.0.0.1:$tls --data $data/outcrop-tls --config $data/tls.yaml"
# shellcheck disable=SC2086
start tls "$OUTCROP_TLS_URL" $OUTCROP_TLS_FLAGS
go run ./internal/engine/enginetest/tiny "$data/tiny.gguf"
cat >"$data/decoder.yaml" <<YAML
models:
  anthropic.claude-3-5-sonnet-20241022-v2:0: [embedded/$data/tiny.gguf]
auto_detect: false
models_dir: $data/models
YAML
decoder=$(free_port)
export OUTCROP_DECODER_FLAGS="--listen 127.0.0.1:$decoder --data $data/outcrop-decoder --config $data/decoder.yaml"
# shellcheck disable=SC2086
start decoder "http://127.0.0.1:$decoder" $OUTCROP_DECODER_FLAGS
# shellcheck disable=SC2086
OUTCROP_DECODER_ENV=$(outcrop env $OUTCROP_DECODER_FLAGS)
export OUTCROP_DECODER_ENV
export AWS_CA_BUNDLE="$data/cert.pem" NODE_EXTRA_CA_CERTS="$data/cert.pem"

# shellcheck disable=SC2086
eval "$(outcrop env $OUTCROP_FLAGS)"
# shellcheck disable=SC2086
OUTCROP_TLS_CREDENTIALS=$(outcrop env $OUTCROP_TLS_FLAGS)
export OUTCROP_TLS_CREDENTIALS
# shellcheck disable=SC2086
OUTCROP_BEARER=$(outcrop key create js --bearer --json $OUTCROP_TLS_FLAGS | python3 -c 'import json, sys; print(json.load(sys.stdin)["apiKey"])')
export OUTCROP_BEARER

echo "== boto3, AWS CLI, the guide"
python -m pytest -q --tb=short -p no:cacheprovider conformance/python
echo "== AWS SDK for Go"
(cd conformance && CGO_ENABLED=0 go test -count=1 ./gosdk)
echo "== AWS SDK for JavaScript"
(cd conformance && node --test js/converse.test.js js/s3.test.js)
if [ "$suite" = all ]; then
  echo "== Anthropic, Vercel AI, LangChain"
  (cd conformance && node --test js/frameworks.test.js)
fi
echo "conformance ($suite): passed"
