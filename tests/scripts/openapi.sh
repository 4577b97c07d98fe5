#!/usr/bin/env bash
# Lets schemathesis ask the demo district everything that /openapi.json describes, and what it says is refused.
# EXAMPLES (50): requests for each operation and phase. PROGRAM: the server to ask, built before.
# schemathesis comes from PyPI into a virtual environment under target/. Where it cannot be had, that is said, and nothing is checked: exit status 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=4.32.5
program=${PROGRAM:-${CARGO_TARGET_DIR:-target}/quick/carryover}
home=target/schemathesis
if ! "$home/bin/schemathesis" --version 2>/dev/null | grep -q "$version"; then
    if ! { python3 -m venv "$home" && "$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"; }; then
        echo "openapi: schemathesis $version cannot be installed here (it needs python3 with venv, and PyPI): the description was NOT checked" >&2
        exit 3
    fi
fi

folder=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
    rm -rf "$folder"
}
trap finish EXIT
"$program" demo --listen 127.0.0.1:0 --data "$folder/data" --announce "$folder/announced" >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 1200); do
    [ -e "$folder/announced" ] && break
    kill -0 "$server" || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$folder/announced" "$1"; }
url=$(field server)
token=$(field admin_token)

# An administrator asks: the checks are that the server never fails, that each answer is described, status, type and body, and that what
# does not fit the description is refused. Bytes of the protocol are made by no schema: those two routes are left to tests of their own.
"$home/bin/schemathesis" run "$url/openapi.json" \
    --exclude-path-regex '^/v1/(exchange|hand-in)$' \
    --header "Authorization: Bearer $token" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,unsupported_method \
    --max-examples "${EXAMPLES:-50}" --workers 1 --generation-database none --no-color
"$program" verify --data "$folder/data"
