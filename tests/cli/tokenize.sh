# A text to tokens and back, with offsets, counts and ids; a conversation as the template writes it.
worker="$ROOT/examples/models/worker"
"$QUINCE" tokenize "$worker" -p 'Hello Zürich<|im_end|>'
"$QUINCE" tokenize "$worker" -p 'Hello Zürich' --count
"$QUINCE" tokenize "$worker" -p 'Hello Zürich' --ids | "$QUINCE" tokenize "$worker" --decode
"$QUINCE" tokenize "$worker" -p 'Hello Zürich' --ids -n 2
yes 'one two three, four.' | head -n 40000 | "$QUINCE" tokenize "$worker" --count
yes 'one two three, four.' | "$QUINCE" tokenize "$worker" --count -n 100000
yes 'one two three, four.' | "$QUINCE" tokenize "$worker" -n 100000 | tail -n 1
printf 'a\377b' | "$QUINCE" tokenize "$worker" --json
"$QUINCE" template "$worker" -p Hi --var enable_thinking=false
echo '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]' > talk.json
"$QUINCE" template "$worker" -f talk.json --no-generation-prompt
status=0
echo '{{ raise_exception("no") }}' > bad.jinja
"$QUINCE" template bad.jinja -p x || status=$?
"$QUINCE" tokenize "$worker" -p 'x' --decode || status="$status $?"
"$QUINCE" tokenize missing.json -p x || status="$status $?"
echo "$status"
