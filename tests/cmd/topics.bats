# topics: the key it adds, reports and tables, saved topics, chains of representations, options that exclude one another, bad input.
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	in=$HEDDLE_SRC/tests/golden/topics/texts.jsonl
	tiny=$HEDDLE_SRC/tests/golden/embed/bert-dense
}

column() { sed -E "s/.*\"$1\":(-?[0-9]+).*/\1/"; }

@test "records pass through with the number of their topic: by size, then by cluster; -1 stays" {
	topics "$in" >out
	sed -E 's/,"topic":-?[0-9]+}$/}/' out | cmp - "$in"
	got=$(sed -E 's/.*"cluster": (-?[0-9]+),"topic":(-?[0-9]+)}$/\1=\2/' out | sort -u | tr '\n' ' ')
	[ "$got" = "-1=-1 12=4 20=5 3=0 5=2 7=1 9=3 " ] || { echo "$got"; false; }
}

@test "the same bytes at any number of threads, and from stdin" {
	topics --threads 1 --report one.json --save one.safetensors -m "$tiny" "$in" >one
	topics --threads 4 --report four.json --save four.safetensors -m "$tiny" <"$in" >four
	cmp one four
	cmp one.json four.json
	cmp one.safetensors four.safetensors
}

@test "--report is JSON, or CSV by its name; --table is for people; - is standard output where records go elsewhere" {
	topics --stop-words english --report r.json --table r.txt -o out "$in"
	head -1 r.json | grep -qx '{"topics": \['
	sed -n 2p r.json | grep -q '^{"topic": -1, "count": 6, "name": "-1_cat_cent_[a-z]*_[a-z]*", "words": \[{"word": "cat", "score": 0.13'
	grep -q '"aspects": {}, "representative": \["' r.json
	[ "$(wc -l <r.json)" = 9 ]
	topics --stop-words english --report r.csv -o out "$in"
	head -1 r.csv | grep -qx topic,count,name,words,aspects,representative
	head -1 r.txt | grep -qx 'topic   count  words'
	grep -qE '^    0      10  telescope, ' r.txt
	topics --stop-words english --table - -o out "$in" | cmp - r.txt
	topics --stop-words english --report - -o out "$in" | cmp - r.json
	run topics --table - "$in"
	status_is 2
	output_has "send them elsewhere with -o"
}

@test "CSV in, CSV out" {
	printf 'id,text,cluster\n1,"red, red",3\n2,blue,-1\n' >in.csv
	topics in.csv >out.csv
	printf 'id,text,cluster,topic\n1,"red, red",3,0\n2,blue,-1,-1\n' | cmp - out.csv
}

@test "keys have other names" {
	sed 's/"text"/"body"/; s/"cluster"/"group"/' "$in" >named
	topics --text-key body --cluster-key group --output-key subject named >out
	[ "$(column subject <out)" = "$(topics "$in" | column topic)" ]
	topics "$in" | topics --cluster-key topic --replace >again
	[ "$(column topic <again)" = "$(topics "$in" | column topic)" ]
	run -65 topics again
	output_has "topic"
	output_has "--replace"
}

@test "stop words from a file, n-grams, limits, and a number of words" {
	printf 'The\nof\n' >stop
	topics --stop-words stop --table t -o out "$in"
	! grep -qE '[ ]the(,|$)' t || false
	topics --stop-words none --table none -o out "$in"
	topics --table plain -o out "$in"
	cmp none plain
	topics --ngram-range 2,2 --top-n-words 3 --table t -o out "$in"
	grep -qE '^    0      10  [^ ]+ [^ ]+, [^ ]+ [^ ]+, [^ ]+ [^ ]+$' t
	topics --min-df 2 --table two -o out "$in"
	topics --min-df 0.28 --table share -o out "$in"
	cmp two share
	topics --seed-words chord,Moon --stop-words english --top-n-words 2 --table t -o out "$in"
	grep -qE '^    0      10  moon, ' t
}

@test "what is saved is found, shown, reported, and described anew without records" {
	topics --stop-words english -m "$tiny" --save t.safetensors --report r.json -o out "$in"
	topics --load t.safetensors --report again.json
	cmp r.json again.json
	topics --load t.safetensors --find "a comet" >found
	head -1 found | grep -qx 'topic  similarity  words'
	[ "$(wc -l <found)" = 6 ]
	topics --load t.safetensors --show 0 >shown
	head -1 shown | grep -qE '^0_telescope_'
	sed -n 2p shown | grep -qx '10 texts'
	topics --load t.safetensors --show -1 | grep -q '^-1_cat_cent'
	topics --load t.safetensors --representation keybert,mmr --aspect other=mmr --diversity 0.9 --save u.safetensors
	topics --load u.safetensors --report u.json
	topics --stop-words english -m "$tiny" --representation keybert,mmr --aspect other=mmr --diversity 0.9 \
		--report fitted.json -o out "$in"
	cmp fitted.json u.json
	grep -q '"aspects": {"other": \[{"word"' u.json
	topics --compare t.safetensors u.safetensors >both
	head -1 both | grep -qE '^topic  t\.safetensors +  u\.safetensors$'
	[ "$(wc -l <both)" = 8 ]
}

@test "saved counts are weighed anew, and can be weighed back" {
	topics --report plain.json --save t -m "$tiny" -o out "$in"
	topics --bm25 --seed-words moon --report bm25.json -o out "$in"
	topics --load t --bm25 --seed-words moon --save u --report u.json
	# representative texts stay: others are not at hand
	diff <(sed 's/"representative".*//' bm25.json) <(sed 's/"representative".*//' u.json)
	topics --load u --no-bm25 --seed-words , --report back.json
	cmp plain.json back.json
}

@test "--load alone gives records the nearest topic, by their vectors or by their texts" {
	embed -m "$tiny" "$in" | topics --save t -o fitted
	topics --load t -m "$tiny" "$in" >by_text
	embed -m "$tiny" "$in" | topics --load t | sed -E 's/,"embedding":\[[^]]*\]//' >by_vector
	cmp by_text by_vector
	sed -E 's/,"topic":-?[0-9]+}$/}/' by_text | cmp - "$in"
	[ "$(column topic <by_text | sort -u | wc -l)" -gt 2 ]
	embed -m "$tiny" --vectors v.npy "$in" | topics --load t --input-vectors v.npy >by_file
	cmp by_text by_file
	embed -m "$tiny" --vectors v.npy "$in" | topics --save u --input-vectors v.npy -o out
	cmp t u
	head -3 "$in" >three
	run -65 topics --load t --input-vectors v.npy three
	output_has "v.npy has 51 rows for 3 records"
	# many small windows give what one gives
	for i in $(seq 60); do cat "$in"; done >many
	topics --load t -m "$tiny" many | head -51 | cmp - by_text
	[ "$(topics --load t -m "$tiny" many | wc -l)" = 3060 ]
}

@test "vectors of another model are told apart by their size" {
	embed -m "$tiny" "$in" >with
	other=$HEDDLE_SRC/tests/golden/embed/bert-odd
	[ -d "$other" ]
	run -2 topics -m "$other" --representation keybert with
	output_has "name with -m the model that made them"
	topics --save t -o out with
	run -2 topics --load t -m "$other" --find moon
	output_has "name with -m the model that made them"
	run -2 topics --load t -m "$other" "$in"
	output_has "name with -m the model that made them"
	embed -m "$other" "$in" >with
	run -65 topics --load t with
	output_has "with:1:"
}

@test "no records, one record, outliers only, an empty text" {
	printf '' | topics --format jsonl --report r.json --save t >out
	[ ! -s out ]
	[ "$(cat r.json)" = '{"topics": []}' ]
	topics --load t --report again.json
	cmp r.json again.json
	[ "$(echo '{"text": "", "cluster": 7}' | topics --table t)" = '{"text": "", "cluster": 7,"topic":0}' ]
	grep -qx '    0       1  emptydoc' t
	[ "$(echo '{"text": "red", "cluster": -1}' | topics)" = '{"text": "red", "cluster": -1,"topic":-1}' ]
	echo '{"text": "the and", "cluster": 0}' >stop
	run --separate-stderr topics --stop-words english stop
	status_is 0
	[ "$stderr" = "topics: the texts have no words but stop words" ]
}

@test "bad records stop the command, or are set aside" {
	for bad in '{"text": 3, "cluster": 0}' '{"text": "a", "cluster": "b"}' '{"text": "a", "cluster": 0.5}' '{"text": "a"}' \
		'{"cluster": 1}' '{"text": "a", "cluster": null}' '{"text": "a", "cluster": 1'; do
		{ head -2 "$in"; echo "$bad"; tail -1 "$in"; } >bad
		run -65 topics bad
		output_has "topics: bad:3:"
		run --separate-stderr -1 topics --rejects set-aside bad
		[ "${#lines[@]}" = 3 ]
		[ "$(cat set-aside)" = "$bad" ]
	done
	{ embed -m "$tiny" "$in" | head -2; echo '{"text": "a", "cluster": 1, "embedding": [1, 2]}'; } >bad
	run -65 topics --save t bad
	output_has "topics: bad:3: key \"embedding\" has 2 numbers, those before have"
	run -65 topics --load "$HEDDLE_SRC/README.md" --find x || run -78 topics --load "$HEDDLE_SRC/README.md" --find x
	printf 'id,text\n1,a\n' >no.csv
	run -65 topics no.csv
	output_has cluster
}

@test "options that do not go together, and values out of range" {
	topics --save t -m "$tiny" -o out "$in"
	while read -r args; do
		run topics $args </dev/null
		[ "$status" = 2 ] || { echo "$args: $status $output"; false; }
	done <<-END
		--find x
		--show 1
		--compare t
		--compare t t t
		--compare --load t t t
		--load t --find x more.jsonl
		--load t --stop-words english
		--load t --ngram-range 1,2
		--load t --min-df 2
		--load t --show 99
		--load t --show x
		--representation kaybert
		--representation keybert,
		--aspect keybert
		--aspect =keybert
		--aspect a=keybert --aspect a=mmr
		--ngram-range 2
		--ngram-range 2,1
		--ngram-range 0,1
		--ngram-range 1,17
		--min-df 0
		--min-df 1.5
		--min-df -1
		--max-df x
		--diversity 1.5
		--top-n-words 0
		--report -
	END
	run -66 topics --load missing --find x
	run -66 topics --stop-words missing "$in"
	run -2 topics --max-df 1 --min-df 2 "$in"
	run -65 topics --min-df 7 "$in"
	output_has "no terms remain"
}

@test "results appear whole or not at all" {
	run -74 topics "$in" -o /dev/full
	run -74 topics "$in" --report /dev/full -o out
	[ ! -e out ]
	run -74 topics "$in" --save no-folder/t -m "$tiny"
	TMPDIR=/nowhere run -74 topics "$in"
	topics "$in" | head -1 >/dev/null
}
