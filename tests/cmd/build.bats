# The source itself: no compiler complains.
load common

@test "gcc and clang compile every file without a warning" {
	cd "$(dirname "$HEDDLE_BUILD")"
	run make -s lint
	echo "$output"
	status_is 0
}
