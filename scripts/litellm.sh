#!/bin/sh
# Starts and stops a LiteLLM proxy whose models answer by themselves, for the tests of
# internal/backend/openai against a server that is not Outcrop's.
#
#   eval "$(scripts/litellm.sh start)"   install and start if needed; print the variable to export
#   scripts/litellm.sh stop              stop it
#
# It listens on loopback only, with a key made at each start, and sends nothing anywhere.
# Needs Python 3.10 or later; packages go into .venv/litellm.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.venv/litellm
dir=$root/.cache/litellm
port=${OUTCROP_TEST_LITELLM_PORT:-54331}

running() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

install() {
	if cmp -s "$root/scripts/litellm/requirements.txt" "$venv/installed.txt"; then
		return
	fi
	python3 -m venv "$venv"
	"$venv/bin/pip" install -q -r "$root/scripts/litellm/requirements.txt"
	cp "$root/scripts/litellm/requirements.txt" "$venv/installed.txt"
}

# ready asks for the list of models; curl is not everywhere, Python is.
ready() {
	"$venv/bin/python" - "$port" "$(cat "$dir/key")" <<'PY' 2>/dev/null
import sys, urllib.request
port, key = sys.argv[1:]
r = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models", headers={"Authorization": f"Bearer {key}"})
urllib.request.urlopen(r, timeout=2)
PY
}

start() {
	install
	mkdir -p "$dir"
	if ! running; then
		(umask 077 && echo "sk-$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')" >"$dir/key")
		# The price list comes with the package: nothing is fetched.
		LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_MASTER_KEY=$(cat "$dir/key") LITELLM_TELEMETRY=False \
			nohup "$venv/bin/litellm" --config "$root/scripts/litellm/config.yaml" \
			--host 127.0.0.1 --port "$port" >"$dir/log" 2>&1 &
		echo $! >"$dir/pid"
	fi
	tries=0
	until ready; do
		tries=$((tries + 1))
		if [ $tries -gt 120 ] || ! running; then
			echo "litellm: did not start; see $dir/log" >&2
			exit 1
		fi
		sleep 1
	done
	echo "export OUTCROP_TEST_LITELLM='http://:$(cat "$dir/key")@127.0.0.1:$port/v1'"
}

stop() {
	if running; then
		kill "$(cat "$dir/pid")"
	fi
	rm -f "$dir/pid" "$dir/key"
}

case ${1:-} in
start) start ;;
stop) stop ;;
*)
	sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
