#!/usr/bin/env bash
# A PostgreSQL server on a folder of its own, for tests:
#
#   test/support/postgres.sh run COMMAND...   starts one, runs the command with TEST_DATABASE_URL, stops it
#   test/support/postgres.sh start FOLDER     starts one in FOLDER (created) and prints its URL
#   test/support/postgres.sh stop FOLDER      stops it; the folder stays
#   test/support/postgres.sh install          installs Debian's packages, PgBouncer as well, where none are found (needs root)
#
# PostgreSQL refuses to run as root: there the server runs as the user `postgres`. It listens on 127.0.0.1 alone, on a
# free port, without passwords, and does not care whether its data survives a power cut.
set -euo pipefail

die() {
  echo "postgres.sh: $*" >&2
  exit 1
}

# Debian keeps the server's binaries out of the path.
find_binaries() {
  local candidate
  if candidate=$(command -v pg_ctl) && [ -x "$(dirname "$(readlink -f "$candidate")")/initdb" ]; then
    dirname "$(readlink -f "$candidate")"
    return
  fi
  candidate=$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)
  [ -x "$candidate" ] || return 1
  dirname "$candidate"
}

install_server() {
  if find_binaries >/dev/null && [ -x /usr/sbin/pgbouncer ]; then return; fi
  command -v apt-get >/dev/null || die "no PostgreSQL server found, and no apt-get to install one"
  [ "$(id -u)" -eq 0 ] || die "no PostgreSQL server found: install Debian's package \"postgresql\""
  apt-get update
  # Without a default cluster: the tests bring their own.
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql pgbouncer
}

as_server_user() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  elif command -v runuser >/dev/null; then
    runuser -u postgres -- "$@"
  else
    su -s /bin/sh postgres -c "$(printf '%q ' "$@")"
  fi
}

free_port() {
  node -e 'const s = require("net").createServer(); s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'
}

start_server() {
  local folder=$1 binaries port attempt
  binaries=$(find_binaries) || die "no PostgreSQL server found: install Debian's package \"postgresql\""
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder"; fi
  cd "$folder"
  if [ ! -e data/PG_VERSION ]; then
    as_server_user "$binaries/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder.initdb.log" 2>&1 ||
      die "initdb failed: $(tail -n 3 "$folder.initdb.log")"
    rm -f "$folder.initdb.log"
  fi
  # Another process may take the port between the look and the start.
  for attempt in 1 2 3; do
    port=$(free_port)
    if as_server_user "$binaries/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 -s \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200" start >&2; then
      echo "postgresql://postgres@127.0.0.1:$port/postgres"
      return
    fi
  done
  die "the server did not start: $(tail -n 3 "$folder/log")"
}

stop_server() {
  local folder binaries
  folder=$(cd "$1" && pwd)
  binaries=$(find_binaries)
  cd "$folder"
  as_server_user "$binaries/pg_ctl" -D "$folder/data" -m immediate -s stop
}

run_with_server() {
  local folder url
  folder=$(mktemp -d)
  chmod 711 "$folder"
  # Expanded now: the variable is gone when the trap runs.
  # shellcheck disable=SC2064
  trap "bash '$0' stop '$folder/server' >/dev/null 2>&1 || true; rm -rf '$folder'" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  url=$(bash "$0" start "$folder/server")
  TEST_DATABASE_URL=$url "$@"
}

[ $# -ge 1 ] || die "say run, start, stop or install"
command=$1
shift
case $command in
  run) [ $# -ge 1 ] || die "run what?"; run_with_server "$@" ;;
  start) [ $# -eq 1 ] || die "start in which folder?"; start_server "$1" ;;
  stop) [ $# -eq 1 ] || die "stop in which folder?"; stop_server "$1" ;;
  install) install_server ;;
  *) die "unknown command $command" ;;
esac
