#!/usr/bin/env bash
# Runs every test once, the property tests with many more random cases than usual.
# CASES (100000): cases for each property. ONLY: a nextest filter expression, such as 'package(sync-core)'.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

source tests/scripts/tools.sh
need_cargo
need_c_compiler
need_nextest

cargo build --locked --workspace --profile quick --bins
export PROPTEST_CASES=${CASES:-100000}
exec cargo nextest run --locked --workspace --cargo-profile quick --profile long -E "${ONLY:-all()}"
