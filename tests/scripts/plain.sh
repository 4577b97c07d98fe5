#!/usr/bin/env bash
# Checks that what is built for use has none of the switches that tests have: no bug to ask for, no place to die at.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ours=$(cargo tree --locked --package server --package client-sdk --edges normal,build --prefix none --format '{p} features: {f}' |
    grep -E '^(sync-core|server|client-sdk) ' | sed 's/ (\*)$//' | sort -u)
sed -E 's/ \([^)]*\)//' <<<"$ours"
[[ $(wc -l <<<"$ours") == 3 ]] && ! grep -q testing <<<"$ours"
