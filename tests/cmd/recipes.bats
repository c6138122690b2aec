# share/recipes: each runs from its data to its figures.
load common

@test "classify: embeds, fits, labels, evaluates and writes the figures down" {
	[ -d "$HEDDLE_BUILD/models/all-MiniLM-L6-v2" ] || skip "no model"
	cd "$BATS_TEST_TMPDIR"
	mkdir -p data/rotten_tomatoes data/banking77 data/stsb
	for part in train test; do
		for i in 1 2 3 4 5 6; do
			printf '{"text": "a wonderful film %d", "label": 1}\n{"text": "dull and far too long %d", "label": 0}\n' $i $i
		done >data/rotten_tomatoes/$part.jsonl
		for i in 1 2 3; do
			printf '{"text": "my card is lost %d", "label": "lost"}\n{"text": "cash from a machine %d", "label": "cash"}\n' $i $i
			printf '{"text": "exchange rate of the dollar %d", "label": "rate"}\n' $i
		done >data/banking77/$part.jsonl
	done
	printf '{"sentence1": "%s", "sentence2": "%s", "score": %s}\n' "a cat" "a kitten" 4 "a cat" "the stock market" 0 \
		"rain today" "wet weather" 3.5 "he sings" "he is singing" 5 >data/stsb/validation.jsonl
	HEDDLE_MODELS=$HEDDLE_BUILD/models PATH=$HEDDLE_BIN:$PATH \
		make -s -f "$HEDDLE_SRC/share/recipes/classify/Makefile" DATA=data OUT=out TOLERANCE=1
	[ "$(cut -f1,2 out/figures.tsv | tr '\t\n' '= ')" = "logistic=f1_weighted zero-shot=f1_weighted banking77=accuracy sts=spearman_cosine " ]
	[ "$(sed -n 's/^logistic\tf1_weighted\t//p' out/figures.tsv | cut -f1)" = 1 ] ||
		[ "$(sed -n 's/^logistic\tf1_weighted\t//p' out/figures.tsv | cut -f1)" = 1.0 ]
	# a figure that is not as expected is an error
	HEDDLE_MODELS=$HEDDLE_BUILD/models PATH=$HEDDLE_BIN:$PATH run \
		make -s -f "$HEDDLE_SRC/share/recipes/classify/Makefile" DATA=data OUT=out TOLERANCE=0.0001
	[ "$status" != 0 ]
}

@test "classify: fetches data that is not there, and takes no other bytes than the expected" {
	command -v curl >/dev/null || skip "no curl"
	cd "$BATS_TEST_TMPDIR"
	mkdir net
	printf ' fine "film" \nback\\slash — good\n' >net/rt-polarity.pos
	printf 'bad \n' >net/rt-polarity.neg
	printf 'text,category\n"a, ""b""",lost\n' >net/train.csv
	mkdir stsbenchmark
	printf 'g\tf\ty\t1\t4.250\tA "cat".\tA kitten.\n' >stsbenchmark/sts-dev.csv
	tar czf net/Stsbenchmark.tar.gz stsbenchmark
	set -- "polarity=file://$PWD/net" "banking=file://$PWD/net" "stsb=file://$PWD/net" DATA=data OUT=out MODEL=none
	for f in net/*; do set -- "$@" "sum_${f#net/}=$(sha256sum "$f" | cut -d ' ' -f 1)"; done
	wanted="data/rotten_tomatoes/train.jsonl data/banking77/train.csv data/stsb/validation.jsonl"
	make -s -f "$HEDDLE_SRC/share/recipes/classify/Makefile" "$@" $wanted
	[ "$(cat data/rotten_tomatoes/train.jsonl)" = '{"text": "fine \"film\"", "label": 1}
{"text": "back\\slash — good", "label": 1}
{"text": "bad", "label": 0}' ]
	[ "$(cat data/banking77/train.csv)" = 'text,label
"a, ""b""",lost' ]
	[ "$(cat data/stsb/validation.jsonl)" = '{"score": 4.250, "sentence1": "A \"cat\".", "sentence2": "A kitten."}' ]
	# what is there is not fetched again
	rm -r net data/source
	make -s -f "$HEDDLE_SRC/share/recipes/classify/Makefile" "$@" $wanted
	mkdir net
	echo other >net/test.csv
	run make -s -f "$HEDDLE_SRC/share/recipes/classify/Makefile" "$@" data/banking77/test.csv
	[ "$status" -eq 2 ]
	[ ! -e data/banking77/test.csv ]
}
