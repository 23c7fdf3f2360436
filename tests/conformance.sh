#!/bin/sh
# The conformance cases of coremltools' own operation tests, when there are some: QUINCE_CONFORMANCE names the folder that
# their archives were unpacked into.
set -eu
cd "$(dirname "$0")/.."
: "${QUINCE_CONFORMANCE:?set it to the folder with the cases}"
make --no-print-directory build
build/release/quince conform "$QUINCE_CONFORMANCE"
