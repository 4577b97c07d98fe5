#!/usr/bin/env bash
# Runs every test again and again, the long ones too, until the time is up or one fails. Each round draws other seeds, moments and damages:
# FROM (the first seed of the simulation), DICE and DAMAGE_SEED are printed, and given again they are the same.
# MINUTES (60): how long new rounds are begun. ROUNDS (200): power cuts at random moments in each test of them. ROUNDS_AT_A_PLACE (30): kills at
# each place that has a name.
# DAMAGE_ROUNDS (20000): folders with damage in them, others each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

source tests/scripts/tools.sh
need_cargo
need_c_compiler
need_nextest

export ROUNDS=${ROUNDS:-200} ROUNDS_AT_A_PLACE=${ROUNDS_AT_A_PLACE:-30} DAMAGE_ROUNDS=${DAMAGE_ROUNDS:-20000}
tests/scripts/seeded.sh
cargo build --locked --workspace --profile quick --bins
# Where schemathesis cannot be had, the script says so, and the rest goes on.
tests/scripts/openapi.sh || [ $? = 3 ]
end=$((SECONDS + ${MINUTES:-60} * 60))
rounds=0
while ((SECONDS < end)); do
    rounds=$((rounds + 1))
    echo "==> round $rounds, $(((end - SECONDS + 59) / 60)) minutes to go"
    export FROM=$((RANDOM * 32768 + RANDOM)) DICE=$((RANDOM * 32768 + RANDOM)) DAMAGE_SEED=$((RANDOM * 32768 + RANDOM))
    echo "    FROM=$FROM DICE=$DICE DAMAGE_SEED=$DAMAGE_SEED"
    cargo nextest run --locked --workspace --cargo-profile quick --profile long --run-ignored all
done
echo "$rounds rounds in $SECONDS seconds, none failed"
