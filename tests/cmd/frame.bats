# What the frame gives to every command: help, versions, mistakes, completions, man pages.
load common

@test "--help says how to use each command and exits 0" {
	for c in $(commands); do
		run "$c" --help
		status_is 0
		output_has "Usage: $c "
		output_has "--help"
	done
}

@test "--help wins over a mistake on the same line, --version names the release" {
	for c in $(commands); do
		run "$c" --no-such-thing --help
		status_is 0
		run "$c" --version
		status_is 0
		[ "$output" = "$c (Heddle) $(cat "$HEDDLE_SRC/VERSION")" ]
	done
}

@test "--help into a full disk is exit 74, not silence" {
	for c in $(commands); do
		run bash -c "$c --help >/dev/full"
		status_is 74
		output_has "No space left on device"
	done
}

@test "a mistyped option is exit 2 and gets the nearest one suggested" {
	for c in $(commands); do
		run "$c" --thraeds 2
		status_is 2
		output_has "did you mean --threads?"
	done
}

@test "options out of range, without an argument, or unknown are exit 2" {
	for args in "--threads 0" "--threads x" "--threads 1.5" "--seed -1" "--threads" "-@" "--quiet=1" "--completion tcsh"; do
		run embed $args </dev/null
		status_is 2
		output_has "Try 'embed --help'."
	done
}

@test "a number out of range is told the range in words" {
	run cluster --alpha 0
	output_has "--alpha wants a number above 0, not '0'"
	run cluster --cluster-selection-epsilon -1
	output_has "--cluster-selection-epsilon wants a number of 0 or more, not '-1'"
	run classify --threshold x
	output_has "--threshold wants a number, not 'x'"
	run reduce -n 1001
	output_has "--n-components wants a whole number from 1 to 1000, not '1001'"
}

@test "one file for two outputs is exit 2, but for a device" {
	cd "$BATS_TEST_TMPDIR"
	echo '{"text": "a"}' >in
	for two in "-o x --rejects x" "-o x --stats-json x" "-o x --vectors x" "--vectors x --rejects x"; do
		run embed $two in
		status_is 2
		output_has "both write x"
	done
	[ ! -e x ]
	run embed -o /dev/null --rejects /dev/null in
	status_is 0
}

@test "what is no record does not take the place of the input, however it is called; records may" {
	cd "$BATS_TEST_TMPDIR"
	echo '{"text": "a"}' >in
	ln -s in link
	ln in other
	for path in in ./in link other; do
		for option in --rejects --stats-json --vectors; do
			run embed $option $path in
			status_is 2
			output_has "$option would take the place of the input $path"
		done
	done
	[ "$(cat in)" = '{"text": "a"}' ]
	tokenize -m "$HEDDLE_SRC/tests/data/vocab.txt" --count -o in in
	grep -q count in
}

# topics once wrote all records before it saw that there is no folder for the report
@test "what cannot be written is exit 74 before anything is read" {
	cd "$BATS_TEST_TMPDIR"
	for line in "embed --vectors" "reduce --save" "cluster --tree" "cluster --report" "cluster --save" "topics --report" \
		"topics --table" "topics --save" "classify --fit --save" "ner -m x --html" "plot -o" "evaluate --stats-json" "embed --rejects"; do
		for path in no/such/folder / ""; do
			run --separate-stderr $line "$path" missing
			status_is 74
			[[ $stderr == *": creating $path: "* && $stderr != *$'\n'* ]] || { echo "$line: $stderr"; false; }
		done
	done
	run embed --rejects fresh missing
	status_is 66
	[ ! -e fresh ]
}

@test "messages count one thing as one" {
	cd "$BATS_TEST_TMPDIR"
	echo '{"text": "a", "embedding": [1], "other": [1, 2], "tags": ["O"], "gold": ["O", "O"], "label": 0}' >one
	says() {
		run "${@:2}" one
		output_has "$1"
	}
	says "1 record, 0 rejected" embed -v --replace
	says "batches of 1 token" embed -v --replace --batch-tokens 1 -m "$HEDDLE_SRC/tests/golden/embed/bert-prompt"
	says "--n-clusters 2, but there was only 1 record" cluster --method kmeans --n-clusters 2 --input-key embedding
	says "vectors of 1 number have no 2 " reduce --method pca -n 2
	says "no label has more than 1 record" classify --fit --cross-validate 2
	says '"embedding" has 1 number, "other" has 2' evaluate --metric sts --embedding-keys embedding,other --reference-key label
	says '"tags" has 1 tag, "gold" has 2' evaluate --metric seqeval --prediction-key tags --reference-key gold
	run bash -c "echo '{' | embed --format jsonl --rejects r"
	output_has "1 of 1 record rejected"
}

# stop words in a folder were exit 74, labels in one 66
@test "a file that cannot be read is exit 66, whichever option names it" {
	cd "$BATS_TEST_TMPDIR"
	mkdir folder
	ln -s loop loop # opens for nobody; root may read what says that none may
	touch empty denied
	chmod 0 denied
	echo '{{{ garbage' >garbage
	for i in 1 2 3 4; do echo "{\"text\": \"a $i\", \"embedding\": [$i, 1], \"label\": $i}"; done >in.jsonl
	golden=$HEDDLE_SRC/tests/golden
	# what a folder, an empty file and garbage are, then the command with @ for the file
	table="
66 0 0 tokenize --format text @
78 78 78 tokenize --model @ in.jsonl
78 78 78 tokenize --compare @ in.jsonl
66 0 0 embed --format text @
78 78 78 embed --model @ in.jsonl
66 0 65 reduce --format jsonl @
66 78 78 reduce --load @ in.jsonl
66 65 65 reduce --input-vectors @ in.jsonl
66 0 65 cluster --format jsonl @
66 78 78 cluster --load @ in.jsonl
66 65 65 cluster --input-vectors @ in.jsonl
66 0 65 topics --format jsonl @
66 78 78 topics --load @ in.jsonl
66 78 78 topics --load @ --show 0
66 78 78 topics --compare @ @
66 0 0 topics --cluster-key label --stop-words @ in.jsonl
66 65 65 topics --cluster-key label --save s --input-vectors @ in.jsonl
78 78 78 topics --cluster-key label --representation keybert --model @ in.jsonl
66 65 65 classify --fit --save s --format jsonl @
66 78 78 classify --load @ in.jsonl
66 65 0 classify --labels-file @ --replace in.jsonl
66 65 65 classify --fit --save s --input-vectors @ in.jsonl
78 78 78 classify --model @ --replace in.jsonl
66 0 65 ner -m $golden/classify/ner-bert --format jsonl @
78 78 78 ner --model @ in.jsonl
66 0 65 evaluate --metric classification --format jsonl @
66 65 65 evaluate --metric classification --prediction-key label --reference-key label --format jsonl --paired @ in.jsonl
66 65 65 evaluate --metric bertscore --prediction-key text --reference-key text -m $golden/classify/bert --rescale @ in.jsonl
78 78 78 evaluate --metric bertscore --prediction-key text --reference-key text --model @ in.jsonl
66 65 65 evaluate --metric coherence --topics @ in.jsonl
66 65 65 evaluate --metric diversity --topics @
78 78 78 model info @
78 78 78 model distil @ out
66 0 65 plot --output-format svg --format jsonl @
66 65 65 plot --output-format svg --kind bars --topics @
66 65 65 plot --output-format svg --kind confusion --evaluation @
66 65 65 plot --output-format svg --input-vectors @ in.jsonl
"
	while read -r folder empty garbage line; do
		for want in missing=66 loop=66 denied=66 folder=$folder empty=$empty garbage=$garbage; do
			f=${want%=*} want=${want#*=}
			[ $f != denied ] || [ ! -r denied ] || continue
			# a model that is a file is refused before it is opened
			case $f$line in deniedtokenize*) ;; denied*--model* | deniedmodel*) want=78 ;; esac
			run --separate-stderr ${line//@/$f} </dev/null
			[ "$status" = "$want" ] && { [ "$want" = 0 ] || [ "${#stderr_lines[@]}" = 1 ]; } ||
				{ echo "$line, $f: exit $status instead of $want: $stderr"; false; }
			[[ "$want" = 0 || $f = empty || "$stderr" = *"$f"* ]] || { echo "$line, $f: $stderr"; false; }
		done
	done < <(grep . <<<"$table")
	# no option is missing there
	for c in $(commands); do
		for o in $("$c" --help | grep -oE -- '--[a-z-]+ [^ ]*(FILE|MODEL|REPORT)' | sed 's/ .*//' |
			grep -vxE -- '--(output|rejects|stats-json|save|report|table|tree|html|vectors)'); do
			grep -q " $c .*$o @" <<<"$table" || { echo "$c $o is not tried"; false; }
		done
	done
}

@test "the man page documents every option that --help shows" {
	for c in $(commands); do
		page=$HEDDLE_SRC/man/man1/$c.1
		[ -f "$page" ] || { echo "no $page"; false; }
		for o in $("$c" --completion words); do
			grep -qE "^\.It .*Fl -(Oo no- Oc )?(no-|\[no-\])?$o( |\$)" "$page" ||
				{ echo "$c.1 lacks --$o"; missing=1; }
		done
	done
	[ -z "${missing:-}" ]
}

@test "man pages are clean under mandoc -T lint" {
	command -v mandoc >/dev/null || skip "no mandoc"
	run mandoc -T lint -W warning "$HEDDLE_SRC"/man/man*/*.[157]
	echo "$output"
	status_is 0
}

@test "completions are valid bash, and name each option" {
	for c in $(commands); do
		"$c" --completion bash >"$BATS_TEST_TMPDIR/$c.bash"
		bash -n "$BATS_TEST_TMPDIR/$c.bash"
		for o in $("$c" --completion words); do grep -q -- "--$o " "$BATS_TEST_TMPDIR/$c.bash"; done
		"$c" --completion zsh | grep -q '^#compdef'
		"$c" --completion fish | grep -q "^complete -c $c -l help"
	done
}

@test "heddle lists the commands with a description each, runs them, and suggests the nearest" {
	run heddle
	status_is 0
	for c in $(commands); do grep -qE "^  $c +[a-z]" <<<"$output"; done
	run heddle reduce --version
	status_is 0
	output_has "reduce (Heddle)"
	run heddle embde
	status_is 2
	output_has "did you mean embed?"
}

@test "make install puts commands, man pages, completions and data under DESTDIR; uninstall takes them away" {
	make -s -C "$(dirname "$HEDDLE_BUILD")" install DESTDIR="$BATS_TEST_TMPDIR/root" prefix=/opt/h program_prefix=hd- \
		>"$BATS_TEST_TMPDIR/log" 2>&1 || { cat "$BATS_TEST_TMPDIR/log"; false; }
	root=$BATS_TEST_TMPDIR/root/opt/h
	[ -x "$root/bin/hd-embed" ]
	[ -f "$root/share/man/man1/hd-embed.1" ]
	[ -f "$root/share/bash-completion/completions/hd-embed" ]
	[ -f "$root/share/zsh/site-functions/_hd-embed" ]
	[ -f "$root/share/fish/vendor_completions.d/hd-embed.fish" ]
	run "$root/bin/hd-embed" --version
	status_is 0
	run bash -c "echo '{\"text\": \"installed\"}' | '$root/bin/hd-embed'"
	status_is 0
	output_has '"embedding":['
	make -s -C "$(dirname "$HEDDLE_BUILD")" uninstall DESTDIR="$BATS_TEST_TMPDIR/root" prefix=/opt/h program_prefix=hd-
	[ -z "$(find "$root" -type f)" ]
}

# A label of a model or a key of a record could colour the terminal, or worse, and break the one line that a message is.
@test "control characters in what a message cites are shown" {
	for c in $(filters); do
		run "$c" "$(printf 'no\033[31m such\nfile')"
		[ "$output" = "$c: no\\x1b[31m such\\x0afile: No such file or directory" ] || output_has "$c --help"
	done
	run embed --text-key "$(printf 'a\tb')" <<<'{}'
	status_is 65
	output_has 'embed: -:1: key "a\x09b" is missing'
	run embed "$(printf -- '--\033c')"
	output_has 'unknown option --\x1bc'
	run embed "$(printf -- '--\302\233c')"
	output_has 'unknown option --\x9bc'
}

@test "configure refuses what it does not know, and says what it found" {
	cd "$BATS_TEST_TMPDIR"
	run "$HEDDLE_SRC/configure" --with-magic
	status_is 1
	output_has "unknown option --with-magic"
	CFLAGS=-Werror run "$HEDDLE_SRC/configure" --without-cairo --without-zlib --without-zstd --prefix=/opt/h
	status_is 0
	output_has "plot writes HTML and SVG only"
	grep -q 'HAVE_CAIRO 0' config.h
	grep -q '^prefix := /opt/h' config.mk
	# out of the tree, and without what is optional: every rule is there, the data is found, what depends on it compiles
	make -n all >/dev/null
	make -s build/lib/record/input.o build/cmd/plot.o build/lib/plot/cairo.o
	[ -e share/stopwords/english ]
}
