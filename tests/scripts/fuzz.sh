#!/usr/bin/env bash
# Runs every test once, the property tests with many more random cases than usual, and then the fuzz targets of `sync-core/fuzz`.
# CASES (100000): cases for each property. ONLY: a nextest filter expression, such as 'package(sync-core)', or 'none()'.
# FUZZ_SECONDS (600): how long each fuzz target runs. They need a nightly compiler and one for C++: where those are not, that is said, and the
# exit status is 3 if all else was well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

source tests/scripts/tools.sh
need_cargo
need_c_compiler
need_nextest

if [ "${ONLY:-}" != 'none()' ]; then
    cargo build --locked --workspace --profile quick --bins
    PROPTEST_CASES=${CASES:-100000} cargo nextest run --locked --workspace --cargo-profile quick --profile long -E "${ONLY:-all()}"
fi

if ! { cargo +nightly --version && "${CXX:-c++}" --version; } >/dev/null 2>&1; then
    echo "fuzz: a nightly compiler and one for C++ are needed: the fuzz targets were NOT run" >&2
    exit 3
fi
need_fuzz
for target in sync-core/fuzz/fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    echo "==> $name, ${FUZZ_SECONDS:-600} seconds"
    cargo +nightly fuzz run --fuzz-dir sync-core/fuzz "$name" -- "-max_total_time=${FUZZ_SECONDS:-600}" -print_final_stats=1
done
