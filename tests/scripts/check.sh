#!/usr/bin/env bash
# The whole check, stage by stage: looks for what it needs, runs every stage even after a failure, and ends with a table of durations.
# Exit status: 0 when every stage passed, 1 when one failed, 2 when the machine lacks something that only a person can install.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

source tests/scripts/tools.sh
need_cargo
need_c_compiler
need_component rustfmt fmt
need_component clippy clippy
need_nextest

# One lock file, one answer: no stage may change it.
book='package(tests) & binary(all) & test(/^book::/)'
names=() seconds=() results=()
failed=0

stage() {
    local name=$1 from=$SECONDS
    shift
    printf '\n==> %s\n    %s\n' "$name" "$*"
    if "$@"; then
        results+=(ok)
    else
        results+=(FAILED)
        failed=1
    fi
    names+=("$name")
    seconds+=($((SECONDS - from)))
}

stage "format" cargo fmt --all --check
stage "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
stage "no switch of a test in use" tests/scripts/plain.sh
# The stories run the programs, which lie beside the tests then; selected with `tests`, they can be made to die at named places.
stage "programs" cargo build --locked --workspace --bins
stage "tests" cargo nextest run --locked --workspace --profile ci -E "not ($book)"
stage "seeded bugs" tests/scripts/seeded.sh
stage "examples in the documentation" cargo test --locked --workspace --doc
stage "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
stage "book" cargo nextest run --locked --package tests --profile ci -E "$book"

printf '\n%-32s %8s  %s\n' stage seconds result
for i in "${!names[@]}"; do
    printf '%-32s %8d  %s\n' "${names[$i]}" "${seconds[$i]}" "${results[$i]}"
done
printf '%-32s %8d  %s\n' total "$SECONDS" "$([ "$failed" = 0 ] && echo ok || echo FAILED)"
can_mount || printf '\nnote: no test may mount a file system here: the two of full_disk that fill a real disk did nothing\n'
exit "$failed"
