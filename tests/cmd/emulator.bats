# The CUDA backend on the emulator (tests/emu/emu.h): what a card without memory leads to.
load common
cuda=$HEDDLE_BUILD/tests/emu/bin

setup() {
	cd "$BATS_TEST_TMPDIR"
	[ -x "$cuda/embed" ] || skip "the emulated commands are not built"
	texts 40 >in.jsonl
}

@test "whichever allocation fails, embed gives the same bytes or says that memory is short" {
	m=$HEDDLE_SRC/tests/golden/embed/bert-odd
	embed --device cpu -m "$m" in.jsonl >cpu
	short=0
	for n in 0 1 2 3 4 5 6 7; do
		HEDDLE_EMU_FAIL_ALLOC=$n run "$cuda/embed" --device cuda -m "$m" -o out in.jsonl
		if [ "$status" = 0 ]; then cmp cpu out; else status_is 75; output_has memory; short=$((short + 1)); fi
		rm -f out
	done
	[ "$short" -lt 8 ]
	HEDDLE_EMU_MEMORY=1000000 run -75 "$cuda/embed" --device cuda -m "$m" -o out in.jsonl
	output_has memory
	[ ! -e out ]
}

@test "reduce --neighbors exact and approximate: the processor's bytes" {
	awk 'BEGIN { s = 7; for (i = 0; i < 1100; i++) { printf "{\"embedding\":["
		for (j = 0; j < 6; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), (j == i % 5) + s / 2147483648 }
		print "]}" } }' >vectors.jsonl
	for how in exact approximate; do
		reduce --device cpu -n 2 --n-epochs 2 --init random --neighbors $how vectors.jsonl >cpu
		"$cuda/reduce" --device cuda -n 2 --n-epochs 2 --init random --neighbors $how vectors.jsonl | cmp cpu -
	done
}

@test "what was found ends a command with its report" {
	HEDDLE_EMU_CARD=sm_10 run -99 "$cuda/embed" --device cuda in.jsonl
	output_has "sm_10 is not one of sm_75, sm_90"
}
