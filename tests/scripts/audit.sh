#!/usr/bin/env bash
# Checks licences, bans, sources and known advisories of every dependency, as `deny.toml` has them.
# It fetches the RustSec advisory database from its git repository: it needs more of the network than any other check.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

source tests/scripts/tools.sh
need_cargo
need_c_compiler
need_deny
exec cargo deny --locked check
