# The main job from end to end: what it must find, that it is the same on every run, and that the sanitizers find nothing.
load common

setup_file() {
	texts 500 >"$BATS_FILE_TMPDIR/texts.jsonl"
}

# pipeline BIN OUT OPTIONS…: the five commands of BIN, everything they write under OUT
pipeline() {
	local PATH=$1:$PATH out=$2
	local -x HEDDLE_DATA=$HEDDLE_SRC/share	# the sanitized build lies deeper than bin/
	shift 2
	mkdir -p "$out"
	embed "$@" --encoding base64 "$BATS_FILE_TMPDIR/texts.jsonl" | reduce "$@" -n 5 --save "$out/reduce" |
		cluster "$@" --min-cluster-size 20 --save "$out/cluster" |
		topics "$@" --stop-words english --representation keybert --aspect mmr=mmr --report "$out/topics.json" --save "$out/topics" \
			-o "$out/assigned.jsonl"
	reduce "$@" -n 2 --output-key xy -o "$out/map.jsonl" "$out/assigned.jsonl"
	for f in html svg; do plot "$@" --topics "$out/topics.json" -o "$out/map.$f" "$out/map.jsonl"; done
}

@test "eight subjects come out as topics of their own words" {
	cd "$BATS_TEST_TMPDIR"
	pipeline "$HEDDLE_BIN" out
	[ "$(wc -l <out/assigned.jsonl)" = 500 ]
	n=$(grep -oE '"topic": ?[0-9]+' out/topics.json | sort -u | wc -l)
	[ "$n" -ge 6 ] && [ "$n" -le 12 ] || { echo "$n topics"; false; }
	# a text's subject and its topic nearly always go together: the most frequent label of each topic covers most records
	pure=$(grep -oE '"label": [0-9].*"topic": ?-?[0-9]+' out/assigned.jsonl | sed -E 's/"label": ([0-9]).*"topic": ?(-?[0-9]+)/\2 \1/' |
		sort | uniq -c | awk '{ if ($1 > best[$2]) best[$2] = $1 } END { for (t in best) s += best[t]; print s }')
	[ "$pure" -ge 400 ] || { echo "only $pure of 500 records lie in a topic of their own subject"; false; }
}

@test "one thread, two threads, and every kernel path give the same bytes" {
	cd "$BATS_TEST_TMPDIR"
	pipeline "$HEDDLE_BIN" one --threads 1
	pipeline "$HEDDLE_BIN" two --threads 2
	diff -r one two
	for p in portable avx2 avx512; do
		HEDDLE_CPU=$p tokenize --help >/dev/null
		if echo '{"text": "x"}' | HEDDLE_CPU=$p embed >/dev/null 2>&1; then
			HEDDLE_CPU=$p pipeline "$HEDDLE_BIN" "$p"
			diff -r one "$p"
		fi
	done
}

@test "CUDA, on the emulator, gives the same bytes and the emulator finds nothing" {
	cd "$BATS_TEST_TMPDIR"
	[ -x "$HEDDLE_BUILD/tests/emu/bin/embed" ] || skip "the emulated commands are not built"
	pipeline "$HEDDLE_BIN" cpu --device cpu
	pipeline "$HEDDLE_BUILD/tests/emu/bin" cuda --device cuda
	diff -r cpu cuda
}

@test "encoders on the emulator give the same bytes" {
	cd "$BATS_TEST_TMPDIR"
	[ -x "$HEDDLE_BUILD/tests/emu/bin/embed" ] || skip "the emulated commands are not built"
	for m in "$HEDDLE_SRC"/tests/golden/embed/*/config.json; do
		m=${m%/*}
		embed --device cpu -m "$m" "$HEDDLE_SRC/tests/golden/embed/texts.jsonl" >cpu
		"$HEDDLE_BUILD/tests/emu/bin/embed" --device cuda -m "$m" "$HEDDLE_SRC/tests/golden/embed/texts.jsonl" >cuda
		cmp cpu cuda
	done
}

@test "the sanitizers find nothing in the pipeline" {
	cd "$BATS_TEST_TMPDIR"
	[ -x "$HEDDLE_BUILD/sanitize/bin/embed" ] || skip "no sanitized build"
	pipeline "$HEDDLE_BIN" plain
	pipeline "$HEDDLE_BUILD/sanitize/bin" sane
	diff -r plain sane
}

# A pipe of a POSIX shell ends as its last command does: the demo once drew an empty map of texts that embed had refused.
@test "the demo maps texts of the user's, and ends where any of its commands fails" {
	cd "$BATS_TEST_TMPDIR"
	texts 200 >good.jsonl
	run sh "$HEDDLE_SRC/share/demo.sh" "$HEDDLE_BIN" demo good.jsonl
	status_is 0
	output_has "The map: demo/map.html"
	[ -s demo/map.html ]
	echo '{"txt": "a"}' >bad.jsonl
	run sh "$HEDDLE_SRC/share/demo.sh" "$HEDDLE_BIN" demo bad.jsonl
	status_is 1
	output_has 'bad.jsonl:1: key "text" is missing'
}
