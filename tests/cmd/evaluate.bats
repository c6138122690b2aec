# evaluate: reports, groups, intervals, paired tests, conditions, mistakes. The figures themselves: tests/unit/test_metric.c.
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	awk 'BEGIN { for (i = 0; i < 60; i++) printf "{\"id\": %d, \"genre\": \"%s\", \"prediction\": %d, \"reference\": %d}\n", i,
		i % 3 ? "news" : "forum", i % 2, i % 7 ? i % 2 : 1 - i % 2 }' >in.jsonl
}

@test "the text of classification is classification_report's, labels have names, --digits says how exact" {
	cat >want <<'EOF'
                 precision    recall  f1-score   support

Negative Review       0.83      0.86      0.85        29
Positive Review       0.87      0.84      0.85        31

       accuracy                           0.85        60
      macro avg       0.85      0.85      0.85        60
   weighted avg       0.85      0.85      0.85        60
EOF
	evaluate --metric classification --label-names 0='Negative Review',1='Positive Review' in.jsonl >got
	diff want got
	evaluate --metric classification --digits 4 in.jsonl | grep -q '0.8500        60'
	evaluate --metric classification <in.jsonl | grep -q 'accuracy  *0.85  *60'
	run evaluate --metric classification --label-names 7=Seven in.jsonl
	status_is 2
	output_has "no record has the label '7'"
	run evaluate --metric classification --label-names Seven in.jsonl
	status_is 2
}

# scikit-learn's table breaks at a line end in a label, which a language model that predicts labels likes to write
@test "control characters of labels are shown in text, and are data in JSON and CSV" {
	printf '%s\n' '{"prediction": "a\nb", "reference": "a\nb"}' '{"prediction": "é\u001b", "reference": "é\u001b"}' >"$BATS_TEST_TMPDIR/in.jsonl"
	evaluate --metric classification "$BATS_TEST_TMPDIR/in.jsonl" >"$BATS_TEST_TMPDIR/out"
	grep -q '^      a\\x0ab  ' "$BATS_TEST_TMPDIR/out"
	grep -q '^       é\\x1b  ' "$BATS_TEST_TMPDIR/out"
	evaluate --metric classification --by reference "$BATS_TEST_TMPDIR/in.jsonl" | grep -q '^reference = a\\x0ab$'
	evaluate --metric classification --output-format json "$BATS_TEST_TMPDIR/in.jsonl" | grep -qF '"f1[a\nb]": 1'
}

# names of figures were cut at 511 bytes, in the middle of a character, and at a NUL: two labels had one name
@test "labels that are long or hold a NUL are told apart" {
	printf '{"prediction": "%s", "reference": "%s"}\n' a b 'x\u0000y' 'x\u0000z' >"$BATS_TEST_TMPDIR/labels"
	sed "s/[ab]\"/$(printf 'é%.0s' $(seq 400))&/g" "$BATS_TEST_TMPDIR/labels" >"$BATS_TEST_TMPDIR/in.jsonl"
	run evaluate --metric classification --output-format json "$BATS_TEST_TMPDIR/in.jsonl"
	status_is 0
	[ "$(grep -o '"f1\[[^"]*":' <<<"$output" | sort -u | wc -l)" = 4 ]
	output_has 'éa]": 0'
	output_has '"f1[x\\x00z]": 0'
	evaluate --metric classification --fail-under "f1[$(printf 'é%.0s' $(seq 400))b]=0" "$BATS_TEST_TMPDIR/in.jsonl" >/dev/null
}

@test "CSV input with numbers for labels sorts them as numbers" {
	printf 'prediction,reference\n10,10\n9,9\n10,9\n' >in.csv
	evaluate --metric classification in.csv | awk 'NF { print $1 }' | tr '\n' ' ' | grep -q '^precision 9 10 accuracy'
}

@test "arrays and objects are read from CSV as JSON in a field" {
	printf 'prediction,reference\n"[""B-PER"",""O""]","[""B-PER"",""O""]"\n' >tags.csv
	evaluate --metric seqeval --output-format csv tags.csv | grep -q '^seqeval,f1,1,1,'
	evaluate --metric classification --output-format csv tags.csv | grep -q '^classification,f1_samples,1,1,'
	printf 'prediction,reference\n"[""a"",""b""]",b\n' >ids.csv
	evaluate --metric retrieval --output-format csv ids.csv | grep -q '^retrieval,mrr@3,0.5,1,'
	printf 'prediction,reference\nthe cat sat on it,"[""x"",""the cat sat on it""]"\nas in [1],[1]\n' >refs.csv
	evaluate --metric exact_match --output-format csv refs.csv | grep -q '^exact_match,exact_match,0.5,2,'
	printf 'reference,s\n1,"[0.2,0.8]"\n0,"{""0"":0.7,""1"":0.3}"\n' >s.csv
	sed 's/{.*}/[0.7,0.3]/' s.csv | evaluate --metric scores --score-key s --format csv --output-format csv | grep -q '^scores,roc_auc,1,2,'
	run evaluate --metric scores --score-key s s.csv
	status_is 65
	output_has 's.csv:3: key "s" has another form'
	evaluate --metric pairs --output-format csv --format csv <<<$'prediction,reference\n0.5,True\n0.1,false' | grep -q '^pairs,ap,1,2,'
	run evaluate --metric seqeval <<<'{"prediction": "O", "reference": ["O"]}'
	output_has 'key "prediction" is a string, not an array of tags'
	run evaluate --metric seqeval --format csv <<<$'prediction,reference\nO,O'
	output_has 'column "prediction" is "O", not an array of tags'
}

@test "JSON has figures, signature, n, labels and the confusion matrix; CSV a row a figure" {
	evaluate --metric classification --output-format json in.jsonl >out.json
	grep -q '^{"metrics": {"classification": {"score": 0.85, "signature": "classification|labels:one|classes:2|' out.json
	grep -q '"n": 60, "accuracy": 0.85, ' out.json
	grep -q '"labels": \["0", "1"\], "confusion": \[\[25, 4\], \[5, 26\]\]}}}$' out.json
	evaluate --metric classification,sts --output-format csv in.jsonl >out.csv
	[ "$(head -1 out.csv)" = metric,figure,value,n,signature ]
	grep -q '^classification,accuracy,0.85,60,classification|' out.csv
	grep -q '^sts,spearman,0.7' out.csv
}

@test "--by measures each group as if it were alone" {
	evaluate --metric classification --by genre --output-format json in.jsonl >by.json
	for g in news forum; do
		grep "\"$g\"" in.jsonl | evaluate --metric classification --output-format csv | grep '^classification,f1_macro' | cut -d, -f3 >alone
		grep -oE "\"$g\": .*" by.json | grep -oE '"f1_macro": [0-9.]+' | head -1 | cut -d' ' -f2 | diff alone -
	done
	evaluate --metric classification --by genre in.jsonl | grep -qx 'genre = forum'
	# a record that the second metric sets aside counts in no group; one without any stays
	sed -E 's/.*"genre": "([a-z]+)", "prediction": (.), "reference": (.).*/\1,\2,\3/; 1i genre,prediction,reference' in.jsonl >in.csv
	{ cat in.csv; echo forum,x,1; echo none,1,y; } >more.csv
	run -1 --separate-stderr evaluate --metric classification,sts --on-error reject --by genre --output-format csv more.csv
	diff <(grep -E ',(accuracy|spearman|pearson),' <<<"$output" | grep -v ^none, | cut -d, -f1-5) \
		<(evaluate --metric classification,sts --by genre --output-format csv in.csv | grep -E ',(accuracy|spearman|pearson),' | cut -d, -f1-5)
	grep -q '^none,classification,accuracy,,0,' <<<"$output"
	run evaluate --metric classification --by nothing in.jsonl
	status_is 65
	output_has 'in.jsonl:1: key "nothing" is missing'
}

@test "--ci gives intervals around the figures: seeded, the same at any number of threads" {
	for method in percentile bca; do
		evaluate --metric classification --ci --ci-method $method --threads 1 --output-format json in.jsonl >a
		evaluate --metric classification --ci --ci-method $method --threads 3 --output-format json in.jsonl | cmp - a
		evaluate --metric classification --ci --ci-method $method --seed 7 --output-format json in.jsonl >b
		run ! cmp -s a b
		grep -oE '"ci": \[[0-9., ]+' a | tr -d '[,' | awk '{ exit !($2 > 0.7 && $2 < 0.85 && $3 > 0.85 && $3 < 0.97) }'
		grep -q "|bs:1000|ci:$method|seed:42|" a
	done
	evaluate --metric classification --ci in.jsonl | grep -qE '^accuracy +0.85  \[0\.[0-9]+, 0\.[0-9]+\]$'
	evaluate --metric sts --ci --resamples 50 --output-format csv in.jsonl | head -1 | grep -qx metric,figure,value,low,high,n,signature
}

@test "--paired: no difference is no news, a large one is; tests agree on which" {
	sed 's/"prediction": ./"prediction": 0/' in.jsonl >worse.jsonl
	for test in bootstrap randomization mcnemar wilcoxon; do
		evaluate --metric classification --paired worse.jsonl --paired-test $test --output-format json in.jsonl >a
		grep -oE '"paired": \{"test": "[a-z]+", "other": [0-9.]+, "difference": [0-9.e-]+, "p": [0-9.e-]+' a | awk '{ exit !($NF < 0.01) }'
		evaluate --metric classification --paired in.jsonl --paired-test $test --output-format json in.jsonl >b
		grep -oE '"paired": \{.*"difference": 0, "p": [0-9.e-]+' b | head -1 | awk '{ exit !($NF > 0.4) }'
		evaluate --metric classification --threads 1 --paired worse.jsonl --paired-test $test --output-format json in.jsonl | cmp - a
	done
	head -50 worse.jsonl >short.jsonl
	run evaluate --metric classification --paired short.jsonl in.jsonl
	status_is 65
	output_has 'short.jsonl has 50 records, not the 60'
	cat worse.jsonl worse.jsonl >long.jsonl
	run evaluate --metric classification --paired long.jsonl in.jsonl
	status_is 65
	output_has 'long.jsonl:61: more records than the 60'
	tac worse.jsonl >other.jsonl
	run evaluate --metric classification --paired other.jsonl in.jsonl
	status_is 65
	output_has 'other references'
}

@test "--fail-under and --fail-over are exit 1 and say why" {
	run evaluate --metric classification --fail-under accuracy=0.8 --fail-over accuracy=0.9 in.jsonl
	status_is 0
	run --separate-stderr evaluate --metric classification --fail-under F1_macro=0.9 in.jsonl
	status_is 1
	[ "$stderr" = "evaluate: f1_macro is 0.849958321755, under 0.9" ] || [[ $stderr == "evaluate: f1_macro is 0.8"*", under 0.9" ]]
	[ "${#lines[@]}" -gt 5 ]
	run evaluate --metric classification,sts --fail-over sts.pearson=0.1 in.jsonl
	status_is 1
	run evaluate --metric sts --fail-under sts=0.1 --format jsonl </dev/null
	status_is 1
	evaluate --metric classification --format jsonl </dev/null | grep -qx 'accuracy            nan'
	run evaluate --metric classification --fail-under nothing=1 in.jsonl
	status_is 2
	output_has "there is no figure 'nothing'"
	run evaluate --metric classification --fail-under accuracy in.jsonl
	status_is 2
}

@test "unknown metrics get the nearest suggested" {
	run evaluate --metric clasification in.jsonl
	status_is 2
	output_has "unknown metric 'clasification'; did you mean classification?"
	run evaluate --metric ROUGEL in.jsonl
	status_is 2
	output_has "unknown metric 'ROUGEL'; it is among the figures of rouge"
	run evaluate --metric mcc in.jsonl
	output_has "it is among the figures of classification"
	run evaluate --metric accurcy in.jsonl
	output_has "did you mean accuracy, a figure of classification?"
	run evaluate --metric Chr in.jsonl
	output_has "did you mean chrf?"
	run evaluate --metric nope in.jsonl
	status_is 2
	output_has "unknown metric 'nope'
"
	run evaluate in.jsonl
	status_is 2
	output_has "which --metric?"
	run evaluate --metric sts,sts in.jsonl
	status_is 2
}

@test "labels of different types, missing keys and what is no number stop at their line, or are set aside by all metrics" {
	{ cat in.jsonl; echo '{"prediction": "0", "reference": 0}'; echo '{"prediction": 1}'; echo '{"prediction": 1, "reference": [1]}'; } >bad.jsonl
	run evaluate --metric classification bad.jsonl
	status_is 65
	output_has 'bad.jsonl:61: key "prediction" is a string, but the labels before are numbers'
	run -1 --separate-stderr evaluate --metric classification,sts --rejects rejects --output-format json bad.jsonl
	[ "$output" = "$(evaluate --metric classification,sts --output-format json in.jsonl)" ]
	[ "$(wc -l <rejects)" = 3 ]
	echo '{"prediction": NaN, "reference": 1}' >nan.jsonl
	run evaluate --metric sts nan.jsonl
	status_is 65
	output_has 'nan.jsonl:1: '
	run evaluate --metric sts --embedding-keys a,b <<<'{"reference": 1, "a": [1, 2], "b": [1]}'
	status_is 65
	output_has 'key "a" has 2 numbers, "b" has 1'
}

@test "--format conll: the last two columns are reference and prediction, a file's end ends a sentence" {
	printf -- '-DOCSTART- -X- O O\n\nEU NNP B-ORG B-ORG\nrejects VBZ O O\n\nPeter NNP B-PER O\nBlackburn NNP I-PER B-PER' >one.conll
	printf 'Peter NNP B-PER B-PER\n' >two.conll
	evaluate --metric seqeval --format conll --output-format json one.conll two.conll >out.json
	grep -q '"n": 3, "f1": 0.6666666666666666, "precision": 0.6666666666666666, ' out.json
	printf 'EU B-ORG B-ORG\nrejects O\n' >ragged.conll
	run evaluate --metric seqeval --format conll ragged.conll
	status_is 65
	output_has 'ragged.conll:2: the line has 2 columns, those before have 3'
	run evaluate --metric seqeval --format conll --strict --scheme IOB2 <<<'EU L-ORG B-ORG'
	status_is 65
	output_has '-:1: the tag "L-ORG" is none of IOB2'
	evaluate --metric seqeval --format conll --paired one.conll one.conll --output-format json | grep -q '"p": 1,'
}

@test "signatures of bleu, chrf and ter begin as sacrebleu's, data changes the hash, -v shows them" {
	echo '{"prediction": "the cat sat on the mat", "reference": ["the cat sat on a mat", "a cat sat"]}' >t.jsonl
	run --separate-stderr evaluate --metric bleu,chrf,chrf++,ter --lowercase --smooth floor -v t.jsonl
	[[ $stderr == *"evaluate: nrefs:2|case:lc|eff:no|tok:13a|smooth:floor[0.10]|version:2.6.0|heddle:"* ]]
	[[ $stderr == *"evaluate: nrefs:2|case:lc|eff:yes|nc:6|nw:2|space:no|version:2.6.0|heddle:"* ]]
	[[ $stderr == *"evaluate: nrefs:2|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0|heddle:"* ]]
	a=$(evaluate --metric bleu --output-format json t.jsonl | grep -o 'data:[0-9a-f]*')
	b=$(sed 's/a mat/a hat/' t.jsonl | evaluate --metric bleu --output-format json | grep -o 'data:[0-9a-f]*')
	[ -n "$a" ]
	[ "$a" != "$b" ]
	run evaluate --metric bleu --bleu-tokenizer ja-mecab t.jsonl
	status_is 2
	output_has "needs MeCab"
	run evaluate --metric bleu <<<'{"prediction": "x", "reference": []}'
	status_is 65
	output_has '-:1: key "reference" has no reference'
	run evaluate --metric rouge <<<'{"prediction": "x", "reference": ["a", 1]}'
	status_is 65
}

@test "real data: the published BLEU of nmt_deen, ROUGE near the published of xsum, wmt17 as sacrebleu" {
	[ -e "$data/nmt_deen/test.jsonl" ] || skip "no ../shared/data"
	sed 's/@@ //g' "$data/nmt_deen/test.jsonl" >nmt.jsonl
	evaluate --metric bleu --bleu-tokenizer space --digits 9 --prediction-key hypothesis --reference-key reference_bpe nmt.jsonl |
		grep -qx 'bleu             22.585508457'
	evaluate --metric bleu,chrf,ter --bleu-tokenizer none --digits 9 --prediction-key uedin-nmt "$data/wmt17_en_de/test.jsonl" >wmt
	grep -q '^bleu  *23.386847103$' wmt
	grep -q '^chrf  *57.722703142$' wmt
	grep -q '^ter  *61.198493366$' wmt
	# ROUGE-1.5.5 stems otherwise and treats numbers apart: 31.89, 11.54, 25.75
	evaluate --metric rouge --stemmer --digits 4 --prediction-key topic-convs2s "$data/xsum_system_outputs/test.jsonl.gz" |
		awk '$1 == "rouge1" { a = $2 } $1 == "rouge2" { b = $2 } $1 == "rougeL" { c = $2 }
			END { exit !(a > 0.310 && a < 0.320 && b > 0.114 && b < 0.116 && c > 0.254 && c < 0.259) }'
	sed 's/"ner_tags"/"reference"/; s/.*\("reference": *\(\[[^]]*\]\)\).*/{\1, "prediction": \2}/' "$data/wnut17/test.jsonl" |
		evaluate --metric seqeval --strict --output-format csv | grep -q '^seqeval,f1,1,1287,'
}

@test "every metric of --help has its place in the manual" {
	metrics=$(evaluate --help | tr -d '\n' | sed 's/.*what to measure: \([a-z0-9_@+, ]*\).*--prediction-key.*/\1/; s/, */ /g')
	for m in $metrics; do
		grep -qE "^\.It Cm (.* , )?$(printf %s "$m" | sed 's/[+]/\\+/g')( |$)" "$HEDDLE_SRC/man/man1/evaluate.1" || { echo "no $m"; missing=1; }
	done
	[ -z "${missing:-}" ]
	[ "$(wc -w <<<"$metrics")" -gt 20 ]
}

@test "what metrics need and cannot use is said" {
	run evaluate --metric sts --stemmer in.jsonl
	status_is 2
	output_has "--stemmer is an option of --metric rouge"
	run evaluate --metric chrf++,bleu --word-order 2 in.jsonl
	status_is 2
	output_has "--word-order is an option of --metric chrf"
	run evaluate --metric sts --confidence 0.9 in.jsonl
	status_is 2
	output_has "go with --ci"
	run evaluate --metric sts --resamples 9 in.jsonl
	status_is 2
	run evaluate --metric sts --paired-test wilcoxon in.jsonl
	status_is 2
	output_has "--paired-test goes with --paired"
	run evaluate --metric scores in.jsonl
	status_is 2
	output_has "needs --score-key"
	run evaluate --metric coherence in.jsonl
	status_is 2
	run evaluate --metric trustworthiness in.jsonl
	status_is 2
	run evaluate --metric bertscore in.jsonl
	status_is 2
	output_has "needs -m MODEL"
	run evaluate --metric retrieval --k 3,1 in.jsonl
	status_is 2
	run evaluate --metric seqeval --scheme IOB2 in.jsonl
	status_is 2
	run evaluate --metric wer <<<'{"prediction": "x", "reference": " "}'
	status_is 65
	output_has '-:1: wer: the reference is empty'
	run evaluate --metric retrieval <<<'{"prediction": ["x"], "reference": []}'
	status_is 65
	output_has 'no relevant id'
	run evaluate --metric pairs <<<'{"prediction": 1, "reference": 2}'
	status_is 65
	run evaluate --metric seqeval <<<'{"prediction": ["O"], "reference": ["O", "O"]}'
	status_is 65
	output_has 'key "prediction" has 1 tag, "reference" has 2'
	printf '{"reference": 0, "s": 0.5}\n{"reference": 1, "s": 1e999}\n' >scores.jsonl
	run evaluate --metric scores --score-key s scores.jsonl
	status_is 65
	output_has 'scores.jsonl:2: '
	run evaluate --metric scores --score-key s <<<$'{"reference": 0, "s": 0.5}\n{"reference": 1, "s": 1}\n{"reference": 2, "s": 0}'
	status_is 65
	output_has '--score-key is one number, but it takes one of each label (3 labels)'
}

@test "coherence and diversity take a report of topics, diversity reads no records" {
	echo '{"topics": [{"topic": -1, "count": 1, "words": [{"word": "x", "score": 1}]},
		{"topic": 0, "count": 2, "words": [{"word": "cat", "score": 1}, {"word": "dog", "score": 1}]},
		{"topic": 1, "count": 2, "words": [{"word": "sun", "score": 1}, {"word": "cat", "score": 1}]}]}' >topics.json
	printf '{"text": "A cat, a dog."}\n{"text": "the dog and the cat"}\n{"text": "the sun"}\n' >texts.jsonl
	evaluate --metric coherence --topics topics.json --output-format csv texts.jsonl >out.csv
	grep -q '^coherence,npmi,-\?[0-9.]*,2,' out.csv
	evaluate --metric diversity --topics topics.json | grep -qx 'diversity     0.7500'
	run evaluate --metric coherence --topics topics.json --by text texts.jsonl
	status_is 2
	run evaluate --metric coherence --topics nothing.json texts.jsonl
	status_is 66
	output_has nothing.json
	run evaluate --metric diversity --topics texts.jsonl
	status_is 65
}

@test "bertscore of a text with itself is 1, idf and a baseline change it" {
	[ -e "${HEDDLE_MODELS:-$HEDDLE_BUILD/models}/all-MiniLM-L6-v2/config.json" ] || skip "no all-MiniLM-L6-v2"
	export HEDDLE_MODELS=${HEDDLE_MODELS:-$HEDDLE_BUILD/models}
	echo '{"prediction": "the cat sat on the mat", "reference": "the cat sat on the mat"}' >same.jsonl
	evaluate --metric bertscore -m all-MiniLM-L6-v2 --digits 5 same.jsonl | grep -qx 'f1         1.00000'
	echo '{"prediction": "a dog sat there", "reference": ["the cat sat on the mat", "a dog sat"]}' >two.jsonl
	cat same.jsonl >>two.jsonl
	score() { evaluate --metric bertscore -m all-MiniLM-L6-v2 --output-format csv "$@" two.jsonl | sed -n 's/^bertscore,f1,\([0-9.]*\),.*/\1/p'; }
	plain=$(score) idf=$(score --idf)
	[ "$plain" != "$idf" ]
	printf 'LAYER,P,R,F\n0,0,0,0\n1,0.1,0.1,0.1\n2,0,0,0\n3,0,0,0\n4,0,0,0\n5,0,0,0\n6,0.5,0.5,0.5\n' >baseline.csv
	awk -v a="$plain" -v b="$(score --rescale baseline.csv)" 'BEGIN { d = b - (2 * a - 1); exit !(d < 1e-9 && d > -1e-9) }'
	[ "$(score --threads 1)" = "$(score --threads 3)" ]
	run evaluate --metric bertscore -m all-MiniLM-L6-v2 --layer 7 two.jsonl
	[ "$status" = 2 ]
	output_has "--layer 7: all-MiniLM-L6-v2 has 6"
}
