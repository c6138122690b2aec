# What every filter keeps to on its streams: nothing is lost in silence, nothing is left behind.
load common

# args COMMAND: options with which it runs on records that carry text, a vector, a cluster and a map position
args() {
	case $1 in
	tokenize) echo "-m $HEDDLE_SRC/tests/data/vocab.txt --replace" ;;
	reduce) echo "--method pca -n 2 --replace" ;;
	cluster) echo "--min-cluster-size 2 --replace" ;;
	plot) echo "--output-format html" ;;
	classify) echo "--load $BATS_FILE_TMPDIR/classifier --replace" ;;
	ner) echo "-m $HEDDLE_SRC/tests/golden/classify/ner-bert --replace" ;;
	evaluate) echo "--metric classification --prediction-key cluster --reference-key cluster" ;;
	*) echo "--replace" ;;
	esac
}

setup_file() {
	export records=$BATS_FILE_TMPDIR/records.jsonl
	for i in 1 2 3 4 5 6 7 8 9 10; do
		echo "{\"text\": \"the cat number $i\", \"embedding\": [$i, $((i * i)), 1], \"xy\": [$i, 0.5], \"cluster\": $((i % 2))}"
	done >"$records"
	classify --fit --label-key cluster --save "$BATS_FILE_TMPDIR/classifier" "$records"
}

@test "a full disk is exit 74 with the reason" {
	for c in $(filters); do
		run bash -c "$c $(args "$c") <$records >/dev/full"
		status_is 74
		output_has "No space left on device"
	done
}

# The handler of a failed close once closed the rejects again: the heap was corrupted, and the exit 134.
@test "a full disk under --rejects is exit 74 too" {
	for c in $(filters); do
		run bash -c "(echo '{'; cat $records) | $c $(args "$c") --format jsonl --rejects /dev/full >/dev/null"
		status_is 74
		output_has "/dev/full: No space left on device"
	done
}

@test "a file that may not grow (ulimit -f) is exit 74 and leaves nothing behind" {
	for i in $(seq 40); do cat "$records"; done >"$BATS_TEST_TMPDIR/many"
	for c in $(filters); do
		# evaluate writes one short report
		[ "$c" != evaluate ] || continue
		mkdir "$BATS_TEST_TMPDIR/$c.d"
		run bash -c "ulimit -f 8; $c $(args "$c") $BATS_TEST_TMPDIR/many -o $BATS_TEST_TMPDIR/$c.d/out"
		status_is 74
		output_has "File too large"
		[ -z "$(ls -A "$BATS_TEST_TMPDIR/$c.d")" ]
	done
}

@test "a closed stdout is exit 74" {
	for c in $(filters); do
		run bash -c "$c $(args "$c") <$records >&-"
		status_is 74
	done
}

@test "a closed stdin is an input that cannot be read, exit 66" {
	for c in $(filters); do
		for from in "<&-" "0>$BATS_TEST_TMPDIR/only-written"; do
			run timeout 20 bash -c "$c $(args "$c") $from >/dev/null"
			status_is 66
			output_has "$c: stdin: Bad file descriptor"
		done
	done
}

@test "a reader that leaves ends the command quietly by SIGPIPE, even where the parent ignored it" {
	for c in $(filters); do
		run bash -c "for i in \$(seq 300); do cat $records; done | (trap '' PIPE; $c $(args "$c") || echo \$? >&2) | head -c 1 >/dev/null"
		case $output in "" | 141) ;; *) echo "$c: $output"; false ;; esac
	done
}

# .r.PID-0.tmp stayed
@test "a reader that leaves leaves no rejects behind" {
	for c in $(filters); do
		mkdir "$BATS_TEST_TMPDIR/$c.d"
		(echo '{'; for i in $(seq 300); do cat "$records"; done) |
			$c $(args "$c") --format jsonl -q --rejects "$BATS_TEST_TMPDIR/$c.d/r" | head -c 1 >/dev/null || true
		[ "$c" = evaluate ] || [ -z "$(ls -A "$BATS_TEST_TMPDIR/$c.d")" ] || { ls -A "$BATS_TEST_TMPDIR/$c.d"; false; }
	done
}

@test "a missing input is exit 66, a folder as input is an error that names it" {
	for c in $(filters); do
		run "$c" $(args "$c") /no/such/file
		status_is 66
		output_has "/no/such/file: No such file or directory"
		run "$c" $(args "$c") /tmp
		status_is 66
		output_has "/tmp"
	done
}

@test "no records is exit 0" {
	for c in $(filters); do
		run bash -c "$c $(args "$c") </dev/null >$BATS_TEST_TMPDIR/out"
		status_is 0
	done
}

@test "a line of garbage is exit 65 with file and line, and nothing under -o" {
	for c in $(filters); do
		(head -3 "$records"; echo '{"text": broken') >"$BATS_TEST_TMPDIR/bad.jsonl"
		run "$c" $(args "$c") -o "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/bad.jsonl"
		status_is 65
		output_has "$c: $BATS_TEST_TMPDIR/bad.jsonl:4: "
		[ ! -e "$BATS_TEST_TMPDIR/out" ]
		[ -z "$(find "$BATS_TEST_TMPDIR" -name '*out*')" ]
	done
}

# A header stood on stdout: the output is opened before the fit, which finds what is wrong.
@test "a run that fails before its first record writes no CSV header, one without records does" {
	cd "$BATS_TEST_TMPDIR"
	head -3 "$records" | sed 's/"cluster": 0/"cluster": 1/' >few.jsonl
	for c in "cluster --method kmeans --n-clusters 99 --input-key embedding" "reduce --method pca -n 99" \
		"classify --fit --label-key cluster --cross-validate 2"; do
		run --separate-stderr bash -c "$c --replace --output-format csv few.jsonl"
		status_is 65
		[ "$output" = "" ] || { echo "$c: $output"; false; }
	done
	printf 'text,embedding\n' >none.csv
	for c in $(filters); do
		case $c in plot | evaluate) continue ;; esac
		[ "$($c $(args "$c") none.csv | wc -l)" = 1 ]
	done
}

@test "--on-error=reject sets bad records aside as they came, goes on, and exits 1" {
	for c in $(filters); do
		(head -3 "$records"; echo '{"text": broken'; tail -7 "$records") >"$BATS_TEST_TMPDIR/bad.jsonl"
		run "$c" $(args "$c") --on-error=reject --rejects "$BATS_TEST_TMPDIR/rejects" -o "$BATS_TEST_TMPDIR/out" \
			"$BATS_TEST_TMPDIR/bad.jsonl"
		status_is 1
		[ "$(cat "$BATS_TEST_TMPDIR/rejects")" = '{"text": broken' ]
		[ "$c" = plot ] || [ "$c" = evaluate ] || [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 10 ]
		rm -f "$BATS_TEST_TMPDIR/out"
	done
}

# What an earlier run had set aside stayed: a Makefile or a cron job that looks at the file took it for this run's.
@test "--rejects is this run's: without a bad record it is empty" {
	for c in $(filters); do
		echo '{"text": broken' >"$BATS_TEST_TMPDIR/rejects"
		run "$c" $(args "$c") --rejects "$BATS_TEST_TMPDIR/rejects" -o "$BATS_TEST_TMPDIR/out" "$records"
		status_is 0
		[ -f "$BATS_TEST_TMPDIR/rejects" ]
		[ ! -s "$BATS_TEST_TMPDIR/rejects" ]
	done
}

@test "a mistake in usage that is seen late leaves the rejects of before, and nothing beside them" {
	mkdir "$BATS_TEST_TMPDIR/d"
	echo old >"$BATS_TEST_TMPDIR/d/rejects"
	run plot --rejects "$BATS_TEST_TMPDIR/d/rejects" "$records"
	status_is 2
	[ "$(ls -A "$BATS_TEST_TMPDIR/d")" = rejects ]
	[ "$(cat "$BATS_TEST_TMPDIR/d/rejects")" = old ]
}

@test "-o replaces a file only when the new one is whole, follows links, keeps the mode" {
	cd "$BATS_TEST_TMPDIR"
	for c in $(filters); do
		echo old >target; chmod 640 target; ln -sf target link
		run "$c" $(args "$c") -o link "$records"
		status_is 0
		[ -L link ]
		[ "$(stat -c %a target)" = 640 ]
		! grep -qx old target || false
		echo old >target
		run "$c" $(args "$c") -o target /no/such/file
		[ "$(cat target)" = old ]
	done
}

@test "SIGINT in the middle leaves nothing under -o and nothing beside it" {
	cd "$BATS_TEST_TMPDIR"
	for c in $(filters); do
		mkdir -p "$c.d"
		# the pipe stays open until the command was told to stop
		(echo '{'; cat "$records"; sleep 2) | timeout -s INT 0.7 env --default-signal=INT "$c" $(args "$c") \
			--format jsonl --rejects "$c.d/rejects" -o "$c.d/out" || true
		[ -z "$(ls -A "$c.d")" ] || { ls -A "$c.d"; false; }
	done
}

@test "the last line needs no line end, and CRLF stays" {
	for c in $(filters); do
		run bash -c "head -c -1 $records | $c $(args "$c") -o $BATS_TEST_TMPDIR/a && $c $(args "$c") $records -o $BATS_TEST_TMPDIR/b"
		status_is 0
		cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	done
}

@test "one thread and two give the same bytes" {
	for c in $(filters); do
		"$c" $(args "$c") --threads 1 "$records" >"$BATS_TEST_TMPDIR/a"
		"$c" $(args "$c") --threads 2 "$records" >"$BATS_TEST_TMPDIR/b"
		cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	done
}

@test "--stats-json counts, -v sums up on stderr, success is silent" {
	for c in $(filters); do
		run --separate-stderr "$c" $(args "$c") -o "$BATS_TEST_TMPDIR/out" --stats-json "$BATS_TEST_TMPDIR/stats" "$records"
		status_is 0
		[ -z "$stderr" ] || { echo "$c: $stderr"; false; }
		grep -q "\"command\": \"$c\"" "$BATS_TEST_TMPDIR/stats"
		grep -q '"records": 10, "rejected": 0' "$BATS_TEST_TMPDIR/stats"
		run --separate-stderr "$c" $(args "$c") -v -o "$BATS_TEST_TMPDIR/out" "$records"
		case $stderr in *"10 records, 0 rejected"*) ;; *) echo "$c: $stderr"; false ;; esac
	done
}

@test "on a terminal without input it says how to use it" {
	script -qec true /dev/null </dev/null >/dev/null 2>&1 || skip "no pseudo-terminals here"
	for c in $(filters); do
		run script -qec "$c" /dev/null </dev/null
		output_has "$c --help"
	done
}

@test "HEDDLE_CPU: a path that is none is exit 2, portable gives the same bytes" {
	for c in $(filters); do
		HEDDLE_CPU=abacus run "$c" $(args "$c") "$records"
		status_is 2
		HEDDLE_CPU=portable "$c" $(args "$c") "$records" >"$BATS_TEST_TMPDIR/a"
		"$c" $(args "$c") "$records" >"$BATS_TEST_TMPDIR/b"
		cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	done
}

@test "--device cuda says what is missing, exit 69" {
	for c in $(commands); do
		run "$c" --device cuda:99999 </dev/null
		status_is 69
		[[ $output == "$c: --device cuda:99999: "* ]]
		run "$c" --device abacus </dev/null
		status_is 2
	done
}

# cluster, topics and --cross-validate told it when they were done, minutes later; the line behind that
# no command gets through shows that they did not begin
@test "a key that is there already is told before the work" {
	cd "$BATS_TEST_TMPDIR"
	echo '{"text": "a", "embedding": [1, 2, 4], "label": 1, "reduced": 0, "outlier_score": 0, "topic": 0, "prediction_score": 0}' >key
	{ head -1 "$records" | sed 's/cluster/label/'; cat key; for i in $(seq 150); do sed 's/cluster/label/' "$records"; done; echo '{'; } >all
	refuses() {
		run "${@:2}" all
		status_is 65
		output_has "all:2: key \"$1\" is there already"
		run "${@:2}" --rejects rejects all
		status_is 1
		cmp rejects <(cat key; echo '{')
	}
	refuses reduced reduce --method pca -n 2
	refuses outlier_score cluster --input-key embedding
	refuses topic topics --cluster-key label
	refuses prediction_score classify --fit --cross-validate 2
	# a stdout that is closed too
	for c in "reduce --method pca -n 2" "cluster --input-key embedding" "topics --cluster-key label" "classify --fit --cross-validate 2"; do
		run bash -c "$c --replace all >&-"
		status_is 74
		output_has "writing stdout: Bad file descriptor"
	done
	# and where its order of columns is that of the first record, a key too many
	run bash -c "{ head -5 '$records'; cat key; echo '{'; } | cluster --method kmeans --n-clusters 2 --input-key embedding --replace --output-format csv"
	status_is 65
	output_has 'has no column'
}
