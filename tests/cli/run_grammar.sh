# Answers that must be valid: JSON under a schema, a regular expression, one of several texts.
cat > day.json <<'END'
{"type": "object", "properties": {"day": {"enum": ["Monday", "Friday"]}}, "required": ["day"], "additionalProperties": false}
END
"$QUINCE" run "$ROOT/examples/models/worker" -p "Which day?" --json-schema day.json > answer.json
"$QUINCE" grammar check day.json answer.json
"$QUINCE" run "$ROOT/examples/models/worker" -p "A number" --regex '[0-9]{3}' | grep -cE '^[0-9]{3}$'
"$QUINCE" run "$ROOT/examples/models/worker" -p "Is it good?" --choice yes --choice no | grep -cE '^(yes|no)$'
status=0
"$QUINCE" run "$ROOT/examples/models/worker" -p x --regex '(' || status=$?
echo "$status"
