# The source itself: no compiler complains.
load common

@test "gcc and clang compile every file without a warning" {
	cd "$(dirname "$HEDDLE_BUILD")"
	run make -s lint
	echo "$output"
	status_is 0
}

@test "the kit for bare machines is one program with each command and test under its name" {
	kit=$HEDDLE_BUILD/tests/gpu/kit/kit
	[ -x "$kit" ] || skip "built without nvcc"
	for c in embed reduce cluster topics tokenize; do
		[ "$("$kit" $c --version)" = "$($c --version)" ]
	done
	run "$kit" test_ops_moments
	status_is 0
	run "$kit" nothing
	status_is 2
}

# bash goes on where a command behind `!`, or one before `&&`, fails: in the middle of a test that is no test.
@test "no line of these tests is one that cannot fail" {
	run bash -c "grep -nE '^[[:space:]]*! |^[[:space:]]*\[ [^|]*\] && ' '$HEDDLE_SRC'/tests/cmd/*.bats | grep -v ' || '"
	echo "$output"
	[ "$output" = "" ]
}
