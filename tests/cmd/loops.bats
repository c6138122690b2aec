#!/usr/bin/env bats
# Instructions of the hot loops of gpu/cpu, counted by callgrind on the AVX2 path: a loop that no longer
# vectorises, or whose registers spill, shows here on any machine, however busy. The limits are a quarter
# above what gcc 12 gives.

setup() {
	command -v valgrind >/dev/null || skip "no valgrind"
	loops=$HEDDLE_BUILD/tests/unit/test_loops
	[ -x "$loops" ] || skip "no $loops"
	grep -q -w avx2 /proc/cpuinfo || skip "this processor lacks AVX2"
	grep -q '^OPTIMISE := -O3' "$HEDDLE_BUILD/../config.mk" || skip "not an optimised build"
}

# within LOOP FUNCTION UNITS LIMIT: instructions in FUNCTION and below, a unit of work, in hundredths
within() {
	HEDDLE_CPU=avx2 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		--toggle-collect="$2_avx2" "$loops" "$1" >"$BATS_TEST_TMPDIR/log" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/log"; return 1; }
	local n
	n=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/log")
	echo "$1: $n instructions, $((n * 100 / $3)) hundredths a unit, limit $4"
	[ "$n" -gt 0 ] && [ $((n * 100 / $3)) -le "$4" ]
}

@test "a product takes a quarter of an instruction a multiplication" {
	within linear kernel_linear $((96 * 384 * 384)) 29
}

@test "bias and GELU take 10 instructions an element" {
	within gelu epilogue $((2 * 96 * 384)) 1300
}

@test "attention takes a third of an instruction a multiplication, its exponentials included" {
	within attention kernel_attention $((2 * 192 * 192 * 32)) 42
}

@test "layer normalisation takes 2.6 instructions an element" {
	within norm kernel_norm $((96 * 384)) 330
}

@test "a bag of bytes takes 0.6 instructions an element" {
	within bag kernel_bag $((1000 * 256)) 80
}

@test "a pair distance takes 0.9 instructions an element" {
	within pair_distances kernel_pair_distances $((100 * 384)) 115
}
