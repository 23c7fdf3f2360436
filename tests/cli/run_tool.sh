# A question with a tool: the call, its result, the answer.
root=$(cd "$(dirname "$0")/../.." && pwd)
"$QUINCE" run "$root/examples/models/worker" --tools "$root/examples/tools.json" \
    --tool-command "$root/examples/weather" -p 'Show me the weather in Paris'
"$QUINCE" run "$root/examples/models/worker" -p hello
"$QUINCE" run "$root/examples/models/worker" -p hello --stop help -n 20
