#!/bin/sh
# Starts and stops the database server that tests of internal/db and its users run on.
#
#   eval "$(scripts/test-servers.sh start)"   start if needed; print the variables to export
#   scripts/test-servers.sh env               print the variables of a running server
#   scripts/test-servers.sh stop              stop it and delete its data
#
# The server listens on loopback only, with a password made at the first start, and keeps
# its data in .cache/postgres. It never syncs to disk: the data is for tests. Needs
# PostgreSQL 13 or later on PATH or where Debian and Homebrew put it
# (apt-get install postgresql).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/.cache/postgres
port=${OUTCROP_TEST_POSTGRES_PORT:-54329}

# PostgreSQL refuses to run as root; Debian's package comes with a user for it.
owner=
if [ "$(id -u)" = 0 ]; then
	owner=postgres
	id "$owner" >/dev/null 2>&1 || owner=nobody
fi

as_owner() {
	if [ -n "$owner" ]; then
		(cd / && exec setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@")
	else
		"$@"
	fi
}

find_bin() {
	if command -v pg_ctl >/dev/null 2>&1; then
		dirname "$(command -v pg_ctl)"
		return
	fi
	for d in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
		[ -x "$d/pg_ctl" ] && found=$d
	done
	if [ -z "${found:-}" ]; then
		echo "test-servers: no PostgreSQL found; on Debian: apt-get install postgresql" >&2
		return 1
	fi
	echo "$found"
}

running() { [ -f "$dir/data/postmaster.pid" ] && as_owner "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; }

print_env() {
	echo "export OUTCROP_TEST_POSTGRES='postgres://outcrop:$(cat "$dir/password")@127.0.0.1:$(cat "$dir/port")/postgres?sslmode=disable'"
}

start() {
	mkdir -p "$dir"
	[ -n "$owner" ] && chown "$owner" "$dir"
	if [ ! -f "$dir/data/PG_VERSION" ]; then
		rm -rf "$dir/data"
		(umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/password")
		[ -n "$owner" ] && chown "$owner" "$dir/password"
		as_owner "$bin/initdb" -D "$dir/data" -U outcrop --pwfile="$dir/password" \
			--auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$dir.init.log" 2>&1 ||
			{ cat "$dir.init.log" >&2; exit 1; }
	fi
	if ! running; then
		as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 \
			-o "-h 127.0.0.1 -p $port -k '' -F -c max_connections=200" start >/dev/null ||
			{ tail -n 20 "$dir/log" >&2; exit 1; }
		echo "$port" >"$dir/port"
	fi
	print_env
}

bin=$(find_bin)
case ${1:-} in
start) start ;;
env)
	running || { echo "test-servers: not running; scripts/test-servers.sh start" >&2; exit 1; }
	print_env
	;;
stop)
	if running; then
		as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
	fi
	rm -rf "$dir" "$dir.init.log"
	;;
*)
	sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
