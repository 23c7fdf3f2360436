#!/bin/sh
# What `make demo` runs: a question, the model's tool call, the tool's result, the answer.
set -eu
cd "$(dirname "$0")/.."
question='Show me the weather in Paris'
echo "> $question"
exec build/release/quince run examples/models/worker --tools examples/tools.json \
    --tool-command examples/weather --stats -p "$question"
