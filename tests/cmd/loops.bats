#!/usr/bin/env bats
# Instructions of the hot loops of gpu/cpu and lib/learn, counted by callgrind on the AVX2 path: a loop that no longer
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
		--toggle-collect="$2" "$loops" "$1" >"$BATS_TEST_TMPDIR/log" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/log"; return 1; }
	local n
	n=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/log")
	echo "$1: $n instructions, $((n * 100 / $3)) hundredths a unit, limit $4"
	[ "$n" -gt 0 ] && [ $((n * 100 / $3)) -le "$4" ] || false
}

@test "a product takes a quarter of an instruction a multiplication" {
	within linear kernel_linear_avx2 $((96 * 384 * 384)) 29
}

@test "bias and GELU take 10 instructions an element" {
	within gelu epilogue_avx2 $((2 * 96 * 384)) 1300
}

@test "attention takes a third of an instruction a multiplication, its exponentials included" {
	within attention kernel_attention_avx2 $((2 * 192 * 192 * 32)) 42
}

@test "layer normalisation takes 2.6 instructions an element" {
	within norm kernel_norm_avx2 $((96 * 384)) 330
}

@test "a bag of bytes takes 0.6 instructions an element" {
	within bag kernel_bag_avx2 $((1000 * 256)) 80
}

@test "a pair distance takes 0.9 instructions an element" {
	within pair_distances kernel_pair_distances_avx2 $((100 * 384)) 115
}

# vectors twice as wide as AVX2's took three times as many instructions in these three, and more time still
@test "distances of rows, and of points, take 1.1 instructions an element" {
	within centers kernel_nearest_center_avx2 $((96 * 64 * 384)) 134
	within raw avx2_raw $((4 * 128 * 384)) 137
}

@test "a sparse product takes 0.9 instructions a multiplication" {
	within sparse kernel_sparse_product_avx2 $((64 * 32 * 16)) 117
}

@test "eigenvectors: 1.7 instructions an element multiplied or reflected, 2.6 rotated or brought up to date" {
	within eigen avx2_multiply $((384 * 384 / 2)) 214
	within eigen avx2_reflect $((384 * 16 * 4)) 213
	within eigen avx2_rotate $((2 * 383 * 16)) 330
	within eigen avx2_update $((384 * 384)) 322
}
