# plot: the formats, the same bytes every time, hostile records, mistakes.
load common

setup_file() {
	export records=$BATS_FILE_TMPDIR/map.jsonl report=$BATS_FILE_TMPDIR/topics.json
	# four topics in four corners and some outliers, from a small generator of our own
	awk 'function r() { s = (s * 16807) % 2147483647; return s / 2147483647 } BEGIN {
		s = 42
		for (i = 0; i < 400; i++) {
			t = i % 5 - 1; d = t < 0 ? 12 : 2
			printf "{\"id\": %d, \"text\": \"text number %d\", \"xy\": [%.5f, %.5f], \"topic\": %d}\n", i, i,
				10 * (t % 2) + d * r(), 10 * int(t / 2) + d * r(), t
		} }' >"$records"
	awk 'BEGIN { printf "{\"topics\": ["
		for (t = -1; t < 4; t++) {
			printf "%s\n{\"topic\": %d, \"count\": 80, \"name\": \"%d_w%d0_w%d1_w%d2_w%d3\", \"words\": [", t < 0 ? "" : ",", t, t, t, t, t, t
			for (i = 0; i < 10; i++) printf "%s{\"word\": \"w%d%d\", \"score\": %g}", i ? ", " : "", t, i, 1 / (i + 1)
			printf "], \"aspects\": {\"mmr\": [{\"word\": \"m%d\", \"score\": 0.5}]}, \"representative\": []}", t
		}
		print "\n]}" }' >"$report"
}

setup() { cd "$BATS_TEST_TMPDIR"; }

cairo() { grep -q 'HAVE_CAIRO 1' "$(dirname "$HEDDLE_BUILD")/config.h"; }

@test "each format is what its name says, by extension and by --output-format" {
	for f in svg html png pdf; do
		case $f in png | pdf) cairo || continue ;; esac
		plot --topics "$report" -o "map.$f" "$records"
		plot --topics "$report" --output-format "$f" <"$records" >"stdout.$f"
		cmp "map.$f" "stdout.$f"
		plot --kind bars --topics "$report" -o "bars.$f"
		[ -s "bars.$f" ]
	done
	[ "$(head -c 5 map.svg)" = "<svg " ]
	[ "$(tail -n 1 map.svg)" = "</svg>" ]
	[ "$(head -n 1 map.html)" = "<!doctype html>" ]
	[ "$(tail -n 1 map.html)" = "</html>" ]
	if cairo; then
		[ "$(head -c 8 map.png | od -An -tx1)" = " 89 50 4e 47 0d 0a 1a 0a" ]
		[ "$(head -c 5 map.pdf)" = "%PDF-" ]
	fi
	plot -o MAP.SVG "$records"
	[ -s MAP.SVG ]
}

@test "the same input draws the same bytes, whenever and wherever" {
	for f in svg html png pdf; do
		case $f in png | pdf) cairo || continue ;; esac
		plot --topics "$report" --title "One" -o "a.$f" "$records"
		plot --kind bars --topics "$report" -o "abars.$f"
	done
	sleep 1.1	# a clock in the output would show
	mkdir other && cd other
	for f in svg html png pdf; do
		case $f in png | pdf) cairo || continue ;; esac
		TZ=Asia/Tokyo LC_ALL=C plot --threads 1 --topics "$report" --title "One" -o "b.$f" "$records"
		TZ=Asia/Tokyo LC_ALL=C plot --kind bars --topics "$report" -o "bbars.$f"
		cmp "../a.$f" "b.$f"
		cmp "../abars.$f" "bbars.$f"
	done
	! cairo || ! grep -aq CreationDate b.pdf || false
}

@test "an SVG names topics, counts records, groups points by topic, outliers first" {
	plot --topics "$report" --title 'A & B' -o map.svg "$records"
	[ "$(grep -c '<path d="M' map.svg)" = 400 ]
	[ "$(grep -o '<g><title>[^<]*' map.svg | head -n 1)" = "<g><title>outliers" ]
	grep -q '>A &amp; B</text>' map.svg
	grep -q '400 records · 4 topics · 80 outliers' map.svg
	for t in 0 1 2 3; do grep -q "<title>w${t}0, w${t}1, w${t}2</title>" map.svg; grep -q "w${t}0.*</text>" map.svg; done
	plot --topics "$report" --words 1 --label-count 2 -o map.svg "$records"
	[ "$(grep -c '</text>' map.svg)" = 2 ]
	plot --topics "$report" --aspect mmr -o map.svg "$records"
	grep -q '>m0</text>' map.svg
	plot --label-count 0 -o map.svg "$records"
	! grep -q '</text>' map.svg || false
}

@test "a name given to a topic in the report is used; --aspect overrides it" {
	sed 's/"0_w00_[^"]*"/"Cats <and> dogs"/' "$report" >named.json
	plot --topics named.json -o map.svg "$records"
	grep -q '<title>Cats &lt;and&gt; dogs</title>' map.svg
	plot --topics named.json --aspect mmr -o map.svg "$records"
	grep -q '<title>m0</title>' map.svg
	run plot --topics named.json --aspect keybert -o map.svg "$records"
	status_is 2
	output_has "has no aspect 'keybert'"
}

@test "every option of the look changes the picture" {
	plot --topics "$report" -o plain.svg "$records"
	for o in "--width 800" "--height 800" "--dark" "--point-size 9" "--opacity 0.3" "--title T" "--label-count 1" "--words 1"; do
		plot --topics "$report" $o -o other.svg "$records"
		! cmp -s plain.svg other.svg || { echo "$o does nothing"; false; }
	done
	grep -q 'width="800" height="600"' <(plot --width 800 --output-format svg "$records")
	plot --kind bars --topics "$report" -o plain.svg
	for o in "--width 800" "--height 300" "--dark" "--title T" "--words 3" "--n-topics 2" "--aspect mmr"; do
		plot --kind bars --topics "$report" $o -o other.svg
		! cmp -s plain.svg other.svg || { echo "$o does nothing"; false; }
	done
}

@test "bars are the topics' words, outliers left out" {
	plot --kind bars --topics "$report" --words 3 --output-format svg >"$BATS_TEST_TMPDIR/bars.svg"
	grep -q '>Topic 0</text>' "$BATS_TEST_TMPDIR/bars.svg"
	grep -q '>w32</text>' "$BATS_TEST_TMPDIR/bars.svg"
	! grep -q 'w33\|w-10\|Topic -1' "$BATS_TEST_TMPDIR/bars.svg" || false
	[ "$(grep -c '>80 records</text>' "$BATS_TEST_TMPDIR/bars.svg")" = 4 ]
}

@test "keys: xy else reduced, topic else cluster else label, or those that are named" {
	r='{"xy": [1, 2], "topic": 1, "cluster": 2, "label": "x", "mine": [5, 6], "kind": "k<"}'
	run plot --output-format svg <<<"$r"
	output_has "<title>1</title>"
	run plot --output-format svg <<<"${r//topic/no}"
	output_has "<title>2</title>"
	run plot --output-format svg <<<'{"reduced": [1, 2], "label": "x"}'
	output_has "<title>x</title>"
	run plot --output-format svg --topic-key kind --input-key mine <<<"$r"
	output_has "<title>k&lt;</title>"
	run plot --output-format svg <<<'{"xy": [1, 2]}'
	status_is 0
	[[ $output != *"<g><title>"* ]]
	run plot --output-format svg --topic-key kind <<<'{"xy": [1, 2]}'
	status_is 65
	# base64 vectors, CSV, and rows of a matrix
	run plot --output-format svg <<<'{"xy": "AACAPwAAAEA="}'
	status_is 0
	run plot --output-format svg --format csv < <(printf 'xy,label\n"[1,2]",a\n"[2,1]",\n')
	status_is 0
	output_has "<title>no topic</title>"
	output_has "<title>a</title>"
}

@test "--input-vectors takes positions from a matrix" {
	{
		printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
		printf '\x00\x00\x80\x3f\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x80\x3f'
	} >xy.npy
	printf '{"text": "a"}\n{"text": "b"}\n' >two.jsonl
	plot --input-vectors xy.npy -o a.svg two.jsonl
	printf '{"xy": [1, 0]}\n{"xy": [2, 1]}\n' | plot -o b.svg
	cmp a.svg b.svg
	run plot --input-vectors xy.npy --output-format svg two.jsonl two.jsonl
	status_is 65
	output_has "xy.npy has only 2 rows"
	run plot --input-vectors xy.npy --output-format svg <(head -1 two.jsonl)
	status_is 65
	output_has "xy.npy has 2 rows for 1 record"
}

@test "bad positions are exit 65 and say what to do" {
	run plot --output-format svg <<<'{"text": "x"}'
	status_is 65
	output_has "reduce -n 2 --output-key xy"
	run plot --output-format svg <<<'{"xy": [1, 2, 3]}'
	status_is 65
	output_has 'key "xy" has 3 numbers, a map needs 2: reduce -n 2 --output-key xy makes them'
	run plot --output-format svg < <(printf '{"xy": [1, 2]}\n{"reduced": [1, 2]}\n')
	status_is 65
	output_has '-:2: no key "xy": reduce'
	run plot --output-format svg <<<'{"xy": [1]}'
	status_is 65
	for bad in '"not base64!"' '[1, null]' '[NaN, 1]' '[1e999, 1]' '"AADAfwAAAEA="' '{}'; do
		run plot --output-format svg <<<"{\"xy\": $bad}"
		status_is 65
		output_has "1: "
	done
	run plot --output-format svg < <(printf '{"xy": [1, 2], "topic": 1}\n{"xy": [1, 2]}\n')
	status_is 65
	output_has '2: no key "topic"'
	run plot --output-format svg --on-error=reject < <(printf '{"xy": [1, 2]}\n{"xy": [1]}\n{"xy": [3, 2]}\n')
	status_is 1
}

@test "mistakes in usage are exit 2" {
	run plot "$records"
	status_is 2
	output_has "where to?"
	run plot -o map.gif "$records"
	status_is 2
	output_has "map.gif"
	run plot --kind bars -o bars.svg
	status_is 2
	output_has "--topics REPORT"
	run plot --kind bars --topics "$report" -o bars.svg "$records"
	status_is 2
	run plot --aspect mmr -o map.svg "$records"
	status_is 2
	for o in "--opacity 0" "--opacity 1.1" "--width 1" "--width 99999" "--kind pie" "--point-size -1"; do
		run plot $o -o map.svg "$records"
		status_is 2
	done
	run plot --topics /no/report.json -o map.svg "$records"
	status_is 66
	output_has "/no/report.json"
	run plot --topics "$records" -o map.svg "$records"
	status_is 65
}

@test "a topic that the report lacks is shown by its number, with a note" {
	run plot --topics "$report" -o map.svg <<<'{"xy": [1, 2], "topic": 77}'
	status_is 0
	output_has "lacks 1 of the records' topics"
	grep -q '<title>77</title>' map.svg
	run plot -q --topics "$report" -o map.svg <<<'{"xy": [1, 2], "topic": 77}'
	[ -z "$output" ]
}

@test "no record, one record, all at one place, texts of 10 MB" {
	for f in svg html png pdf; do
		case $f in png | pdf) cairo || continue ;; esac
		plot --title Empty -o "map.$f" </dev/null
		plot -o "map.$f" <<<'{"xy": [1, 2], "topic": 0}'
		head -20 "$records" | sed 's/"xy": [^]]*]/"xy": [3, 4]/' | plot -o "map.$f"
		[ -s "map.$f" ]
	done
	head -c 10000000 /dev/zero | tr '\0' 'x' >long
	{ printf '{"xy": [1, 2], "topic": "'; cat long; printf '", "text": "'; cat long; printf '"}\n'; } >long.jsonl
	for f in svg html; do
		plot -o "map.$f" long.jsonl
		[ "$(stat -c %s "map.$f")" -lt 100000 ]
	done
	grep -q '1 text of more than 300 characters is cut' map.html
	plot --text-length 5 -o map.html <<<'{"xy": [1, 2], "text": "abcdefgh"}'
	grep -q '"abcde…"' map.html
}

@test "records cannot break out of a page or a picture" {
	evil='</script><script>alert(1)</script><!--<svg onload=alert(2)>\"\u0027]]>&lt;'
	printf '{"xy": [1, 2], "topic": "%s", "text": "%s"}\n{"xy": [2, 2], "topic": 1}\n' "$evil" "$evil" >evil.jsonl
	plot --title "$evil" -o map.html evil.jsonl
	[ "$(grep -o '<script' map.html | wc -l)" = 2 ]
	[ "$(grep -o '</script' map.html | wc -l)" = 2 ]
	! grep -q '<!--\|<svg onload' map.html || false
	grep -q "Content-Security-Policy" map.html
	! grep -q 'unsafe-inline\|unsafe-eval' map.html || false
	plot --title "$evil" -o map.svg evil.jsonl
	! grep -q '<script\|<!--\|onload=alert(2)>' map.svg || false
	! command -v xmllint >/dev/null || xmllint --noout map.svg
	printf '{"xy": [1, 2], "topic": "a\\u0000b\\u0001\\uffff"}\n' | plot -o map.svg
	! command -v xmllint >/dev/null || xmllint --noout map.svg
	sed 's/"w00"/"<script>\&"/' "$report" >evil.json
	for f in svg html; do
		plot --kind bars --topics evil.json --title "$evil" -o "bars.$f"
		! grep -q '<script>&\|<script>alert' "bars.$f" || false
	done
}

@test "a page names no other place" {
	plot --topics "$report" -o map.html "$records"
	plot --kind bars --topics "$report" -o bars.html
	! grep -oE '(https?:|["'"'"'(=] *)//[a-z][^ "]*' map.html || false
	[ "$(grep -ohE 'https?://[^ "]*' bars.html | sort -u)" = "http://www.w3.org/2000/svg" ]
	for page in map.html bars.html; do
		! grep -qE '(src|href)=|@import|url\(' "$page" || false
	done
}

@test "no font installed: letters of cairo's own, and no failure" {
	cairo || skip "no cairo"
	echo '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><cachedir>.</cachedir></fontconfig>' >fonts.conf
	for f in png pdf; do
		FONTCONFIG_FILE=$PWD/fonts.conf plot --topics "$report" --title T -o "map.$f" "$records"
		[ -s "map.$f" ]
	done
}

@test "bars leave stdin alone" {
	run bash -c "plot --kind bars --topics $report -o $BATS_TEST_TMPDIR/bars.svg <&-"
	status_is 0
	(echo kept) | (plot --kind bars --topics "$report" -o "$BATS_TEST_TMPDIR/bars.svg"; [ "$(cat)" = kept ])
}

@test "the data of the page are found where HEDDLE_DATA says, or the failure names the file" {
	HEDDLE_DATA=/nowhere run plot --output-format html "$records"
	status_is 66
	output_has "/nowhere/plot/map.html"
}

@test "confusion, roc and calibration draw a report of evaluate, in every format, the same bytes each time" {
	awk 'BEGIN { for (i = 0; i < 90; i++) printf "{\"reference\": \"%s\", \"prediction\": \"%s\", \"s\": %.3f}\n",
		i % 3 ? "yes" : "no <&>", i % 7 % 3 ? "yes" : "no <&>", (i * 37 % 91) / 91 }' |
		evaluate --metric classification,scores --score-key s --output-format json >report.json
	for k in confusion roc calibration; do
		for f in svg html png pdf; do
			case $f in png | pdf) cairo || continue ;; esac
			plot --kind $k --evaluation report.json -o "$k.$f"
			plot --kind $k --evaluation report.json --output-format $f | cmp - "$k.$f"
		done
		[ "$(tail -n 1 $k.svg)" = "</svg>" ]
	done
	grep -q 'no &lt;&amp;&gt;' confusion.svg
	grep -q 'accuracy 0\.' confusion.svg
	grep -q 'area 0\.' roc.svg
	grep -q 'expected calibration error 0\.' calibration.svg
	run plot --kind roc -o x.svg
	status_is 2
	output_has "--evaluation REPORT"
	run plot --evaluation report.json -o x.svg
	status_is 2
	evaluate --metric sts --output-format json </dev/null --format jsonl >sts.json
	run plot --kind confusion --evaluation sts.json -o x.svg
	status_is 65
	output_has "sts.json has no confusion matrix"
	echo '{"metrics": {"classification": {"labels": ["a", "b"], "confusion": [[1, 2], [3]]}}}' >odd.json
	run plot --kind confusion --evaluation odd.json -o x.svg
	status_is 65
	output_has "is not one"
	run plot --kind roc --evaluation none.json -o x.svg
	status_is 66
}

@test "bars of a report of evaluate: groups with intervals, classes, metrics" {
	awk 'BEGIN { for (i = 0; i < 60; i++) printf "{\"genre\": \"%s\", \"prediction\": %d, \"reference\": %d}\n",
		i % 3 ? "n<ws" : "forum", i % 2, i % 7 ? i % 2 : 1 - i % 2 }' >in.jsonl
	evaluate --metric classification,sts --output-format json in.jsonl >plain.json
	evaluate --metric classification,sts --output-format json --by genre --ci in.jsonl >by.json
	plot --kind bars --evaluation by.json -o by.svg
	grep -q 'n&lt;ws' by.svg
	grep -q '>forum<' by.svg
	grep -q '>score 0.8500<' by.svg
	plot --kind bars --evaluation by.json -o again.svg && cmp by.svg again.svg
	[ "$(grep -c '<line' by.svg)" -gt "$(plot --kind bars --evaluation plain.json --output-format svg | grep -c '<line')" ]
	plot --kind bars --evaluation by.json --figure pearson -o pearson.svg && grep -q '>pearson 0.7' pearson.svg
	plot --kind bars --evaluation plain.json --figure recall -o recall.svg && grep -q '>0.8621<' recall.svg && grep -q '>recall 0.8387<' recall.svg
	evaluate --metric sts --output-format json in.jsonl >sts.json
	plot --kind bars --evaluation sts.json -o sts.svg
	grep -q '>sts<' sts.svg
	run plot --kind bars --evaluation plain.json --figure nothing -o x.svg
	status_is 65
	output_has "plain.json has no such figure"
	run plot --kind bars --evaluation sts.json --figure pearson -o x.svg
	status_is 65
	run plot --kind bars --evaluation plain.json --topics plain.json -o x.svg
	status_is 2
	run plot --kind roc --figure f1 --evaluation plain.json -o x.svg
	status_is 2
}
