# Bad use says how to use it, a missing model says what is missing.
"$QUINCE" run nowhere -p x
