#!/bin/sh
# 100,000 mutated packages, and as many inputs for each other harness, under the address and
# undefined behaviour sanitizers. RUNS and SEED change how many and which.
set -eu
cd "$(dirname "$0")/../.."
cmake --preset asan > /dev/null
cmake --build --preset asan
for harness in build/asan/fuzz/fuzz_*; do
    name=$(basename "$harness")
    [ -x "$harness" ] && [ -d "tests/fuzz/corpus/$name" ] || continue
    echo "== $name"
    "$harness" --runs "${RUNS:-100000}" --seed "${SEED:-1}" "tests/fuzz/corpus/$name"
done
