# Answers that must be valid: JSON under a schema, a regular expression, one of several texts.
cat > day.json <<'END'
{"type": "object", "properties": {"day": {"enum": ["Monday", "Friday"]}}, "required": ["day"], "additionalProperties": false}
END
"$QUINCE" run "$ROOT/examples/models/worker" -p "Which day?" --json-schema day.json > answer.json
"$QUINCE" grammar check day.json answer.json
"$QUINCE" run "$ROOT/examples/models/worker" -p "A number" --regex '[0-9]{3}' | grep -cE '^[0-9]{3}$'
"$QUINCE" run "$ROOT/examples/models/worker" -p "Is it good?" --choice yes --choice no | grep -cE '^(yes|no)$'
cat > format.json <<'END'
{"type": "json_schema", "json_schema": {"name": "day", "schema": {"type": "object", "required": ["a_long_name", "another_name"]}}}
END
"$QUINCE" run "$ROOT/examples/models/worker" -p "Which day?" --response-format format.json --temp 1.5 -n 30 > answer.json
"$QUINCE" grammar check --request format.json answer.json
echo '{"tags": [{"begin": "<n>", "schema": {"type": "integer"}, "end": "</n>"}], "free": true}' > tags.json
printf 'one <n>1</n>' > answer.txt
"$QUINCE" grammar check --tags tags.json answer.txt
status=0
"$QUINCE" run "$ROOT/examples/models/worker" -p x --regex '(' || status=$?
echo "$status"
