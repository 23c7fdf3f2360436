# A number that is none, or out of range, is named with what is wanted.
for use in "run m -p x --temp warm" "run m -p x --top-p 1.5" "run m -p x -n 0" "bench m --gen 1e3" \
    "predict m --in a --out b --threads -1"; do
    status=0
    "$QUINCE" $use || status=$?
    echo "$status"
done
