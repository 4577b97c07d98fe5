#!/usr/bin/env bash
# Puts each seeded bug into the programs in turn, and demands that the test named beside it in tests/seeded.txt turns red, and is green without.
# ONLY: the name of one bug.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

source tests/scripts/tools.sh
need_cargo
need_c_compiler
need_nextest

# What nextest says when a test failed, and nothing else was wrong.
failed=100
unnoticed=0

run() {
    cargo nextest run --locked --workspace --cargo-quiet --no-fail-fast --status-level none --final-status-level none \
        --failure-output never -E "package(=$1) & test(=$2)" >/dev/null 2>&1
}

# The stories run the programs that lie beside the tests.
cargo build --locked --workspace --bins --quiet || exit 1

while IFS='|' read -r bug package test; do
    bug=${bug// /} package=${package// /} test=${test// /}
    [[ -z $bug || $bug == \#* || (-n ${ONLY:-} && $bug != "$ONLY") ]] && continue
    run "$package" "$test"
    without=$?
    CARRYOVER_SEEDED_BUG=$bug run "$package" "$test"
    with=$?
    if [[ $without == 0 && $with == "$failed" ]]; then
        printf 'found      %-26s %s\n' "$bug" "$test"
    else
        printf 'NOT FOUND  %-26s %s (without %s, with %s)\n' "$bug" "$test" "$without" "$with"
        unnoticed=$((unnoticed + 1))
    fi
done <tests/seeded.txt
exit $((unnoticed > 0))
