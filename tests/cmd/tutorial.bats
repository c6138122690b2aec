# The examples of heddle(7) run as they stand, from top to bottom.
load common

@test "every example of the tutorial works" {
	cd "$BATS_TEST_TMPDIR"
	awk '/^\.Bd -literal/ { on = 1; next } /^\.Ed/ { on = 0; next } on' "$HEDDLE_SRC/man/man7/heddle.7" |
		sed 's/\\e/\\/g; s/\\-/-/g' >tutorial.sh
	grep -q reduce tutorial.sh
	run bash -euo pipefail tutorial.sh
	status_is 0
	output_has 'name,text,embedding'
	output_has '{"text": bad}'
	for t in bread striker comet guitar; do grep -q "$t" topics.json; done
	grep -q '</html>' map.html
}

@test "every example of a command's --help names options that it has" {
	for c in $(commands); do
		for o in $("$c" --help | sed -n '/^Examples:/,$p' | grep -v '^  #' | grep -oE "(^|[ |])$c [^|]*" | grep -oE -- ' --[a-z-]+' | sort -u); do
			"$c" --completion words | grep -qxE -- "${o#--}|${o#--no-}" ||
				{ echo "$c: an example has $o"; false; }
		done
	done
}
