# ner: entities of texts and of words, columns in and out, drawing, long texts, usage and bad input.
load common

golden=$HEDDLE_SRC/tests/golden/classify
model=$golden/ner-bert

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' '{"id": 1, "text": "Weaver Zoë met the Müller brothers in Łódź!"}' '{"id": 2, "text": ""}' >in.jsonl
}

@test "each record gets its entities and passes through; offsets are code points, or bytes" {
	ner -m "$model" in.jsonl >out
	sed 's/,"entities":.*/}/' out | cmp - in.jsonl
	sed -n 2p out | grep -qF '"entities":[]}'
	head -1 out | grep -qE '"entities":\[\{"label":"[A-Z]*","text":"[^"]*","score":0\.[0-9]+,"start":[0-9]+,"end":[0-9]+\}'
	[ "$(ner -m "$model" --offset-unit byte in.jsonl | head -1 | grep -o '"end":[0-9]*' | tail -1)" = '"end":48' ]
	[ "$(head -1 out | grep -o '"end":[0-9]*' | tail -1)" = '"end":43' ]
	ner -m "$model" --threads 1 in.jsonl | cmp - out
	ner -m "$model" --output-format csv in.jsonl | head -1 | grep -qx 'id,text,entities'
}

@test "--aggregation none gives tokens, --min-score leaves out what is unsure" {
	ner -m "$model" --aggregation none in.jsonl | head -1 | grep -qF '"index":1,"word":"weaver"}'
	for a in simple first average max; do ner -m "$model" --aggregation $a in.jsonl >$a; done
	! cmp -s simple first || false
	n() { ner -m "$model" --aggregation none --min-score "$1" in.jsonl | grep -o '"label"' | wc -l; }
	[ "$(n 0)" -gt "$(n 0.4)" ]
	[ "$(n 1)" = 0 ]
}

@test "words get a label each" {
	echo '{"w": ["The", "weaver", "O'"'"'Neill", "", "unbelievable"]}' >w.jsonl
	ner -m "$model" --tokens-key w w.jsonl >out
	[ "$(sed 's/.*"tags":\[//; s/\].*//' out | tr ',' '\n' | wc -l)" = 5 ]
	sed 's/.*"tags"://' out | grep -qE '^\["[^"]*","[^"]*","[^"]*","O","[^"]*"\]}$'
	grep -qF '"w": ["The"' out
	run ner -m "$model" --tokens-key w in.jsonl
	status_is 65
	output_has 'in.jsonl:1: key "w" should be an array of words'
	run ner -m "$model" --tokens-key w <<<'{"w": ["a", 1]}'
	status_is 65
	output_has 'word 2 is a number'
}

@test "columns in, columns and the label out" {
	printf '%s\n' 'The O' 'weaver B-PER' '' '-DOCSTART- O' '' 'Zoë B-PER' 'met O' >c
	ner -m "$model" --format conll c >out
	cut -d' ' -f1,2 out | grep . | cmp - <(grep -v DOCSTART c | grep .)
	[ "$(awk 'NF == 3' out | wc -l)" = 4 ]
	[ "$(grep -c '^$' out)" = 2 ]
	# the same labels as of words
	ner -m "$model" --tokens-key w <<<'{"w": ["The", "weaver"]}' | sed 's/.*"tags":\["//; s/"\].*//; s/","/\n/g' |
		cmp - <(head -2 out | cut -d' ' -f3)
	ner -m "$model" --format conll <(for i in $(seq 700); do printf 'one O\ntwo O\n\n'; done) | sort | uniq -c | awk '{ print $1 }' |
		sort -u | tr '\n' ' ' | grep -qx '700 '
	printf 'a O\nb\n' >bad
	run ner -m "$model" --format conll bad
	status_is 65
	output_has 'bad:2: '
}

@test "texts longer than the model: an entity across windows comes out once" {
	awk 'BEGIN { printf "{\"text\": \""; for (i = 0; i < 300; i++) printf "river unbelievable "; print "\"}" }' >long
	for o in "" "--max-length 10" "--max-length 10 --stride 5" "--max-length 40 --stride 0"; do
		ner -m "$golden/ner-context-free" $o --aggregation first long >now
		[ -e first ] || cp now first
		cmp now first
	done
	ner -m "$golden/ner-context-free" --max-length 12 -v long 2>&1 >/dev/null | grep -qE 'windows [1-9]'
	run ner -m "$model" --max-length 10 --stride 8 long
	status_is 2
	output_has 'a stride of 8 tokens'
}

@test "--redact, --show and --html draw what was found" {
	ner -m "$model" --redact in.jsonl >out
	head -1 out | grep -qE '"redacted":"[^"]*\[(PER|LOC|MISC)\][^"]*"}$'
	sed -n 2p out | grep -qF '"redacted":""}'
	printf '{"text": "weaver \\u001b[31m <b> \\u009b"}\n' | ner -m "$model" --show --html p.html >shown
	grep -q $'\033\[1;3[1-6]m' shown
	! grep -q $'\033\[31m <b>' shown || false
	grep -q '<mark class="c[0-5]"' p.html
	grep -q '&lt;' p.html
	! grep -q '<b>' p.html || false
	run ner -m "$model" --show --redact in.jsonl
	status_is 2
}

@test "usage, folders that are no token classifiers, bad records" {
	run ner in.jsonl
	status_is 2
	cp -r "$golden/bert" m
	sed 's/{/{"architectures": ["BertForSequenceClassification"], /' "$golden/bert/config.json" >m/config.json
	run ner -m m in.jsonl
	status_is 78
	output_has 'm is no token classifier: m/config.json: it is a "BertForSequenceClassification"'
	run ner -m "$golden/roberta" in.jsonl
	status_is 78
	output_has 'is no token classifier'
	run ner -m nowhere in.jsonl
	status_is 66
	run ner -m "$model" --format jsonl <<<'{"id": 3}'
	status_is 65
	run ner -m "$model" --format conll --redact in.jsonl
	status_is 2
	printf '{"id": 3}\n{"text": "one"}\n' | ner -m "$model" --on-error=reject >o || [ $? = 1 ]
	[ "$(wc -l <o)" = 1 ]
}
