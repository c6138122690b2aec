# classify: fitting, loading, zero-shot, what is written, usage, streams and bad input.
load common

# points N: records with 3-D vectors around three places, labels red, green, blue (and their numbers)
points() {
	awk -v n="$1" 'function r() { s = (s * 1103515245 + 12345) % 2147483648; return s / 2147483648 - 0.5 }
		BEGIN { s = 7; split("red green blue", name, " "); for (i = 0; i < n; i++) { k = i % 3
			printf "{\"id\": %d, \"label\": \"%s\", \"n\": %d, \"embedding\": [%.4f, %.4f, %.4f]}\n", i, name[k + 1], k,
				(k == 0) + 1.4 * r(), (k == 1) + 1.4 * r(), (k == 2) + 1.4 * r() } }'
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	points 90 >in.jsonl
	sed 's/"label": "[a-z]*", "n": [0-9], //' in.jsonl >new.jsonl
}

column() { sed -E "s/.*\"$1\":(\"[^\"]*\"|[^,}]*).*/\1/"; }

@test "what is fitted is applied to new records, which pass through, and is mostly right" {
	run classify --fit --save c.safetensors in.jsonl
	status_is 0
	[ -z "$output" ]
	classify --load c.safetensors new.jsonl >out.jsonl
	sed -E 's/,"label":.*/}/' out.jsonl | cmp - new.jsonl
	head -1 out.jsonl | grep -qE '"label":"(red|green|blue)","score":0\.[0-9]{6,}}$'
	paste <(column label <out.jsonl | tr -d '"') <(sed -E 's/.*"label": "([a-z]*)".*/\1/' in.jsonl) |
		awk '$1 == $2 { n++ } END { exit n < 75 }'
}

@test "the same bytes at any number of threads and on any processor, in the file and the output" {
	for t in 1 3; do
		classify --fit --threads $t --save c$t in.jsonl
		classify --load c$t --threads $t --all-scores new.jsonl >o$t
	done
	HEDDLE_CPU=portable classify --fit --save cp in.jsonl
	cmp c1 c3
	cmp c1 cp
	cmp o1 o3
}

@test "a label has the JSON type that it was trained on" {
	classify --fit --label-key n --save c in.jsonl
	classify --load c new.jsonl | head -1 | grep -qE '"label":[012],'
	sed -E 's/"n": ([0-9])/"n": \1.0/' in.jsonl | classify --fit --label-key n --save d
	cmp c d
	sed -E 's/"n": 0/"n": true/; s/"n": [12]/"n": false/' in.jsonl | classify --fit --label-key n --save c
	classify --load c new.jsonl | column label | sort -u | tr '\n' ' ' | grep -qx 'false true '
	classify --load c --output-format csv new.jsonl | head -1 | grep -qx 'id,embedding,label,score'
}

@test "--top-k, --all-scores, --margin, --only-labels, --map and --reject-below" {
	classify --fit --save c in.jsonl
	[[ $(classify --load c --top-k 2 --all-scores --margin new.jsonl | head -1) == *'"margin":0.'*',"top":[{"label":"'*'"score":'*'},{"label":"'*'}],"scores":{"blue":'*',"green":'*',"red":'*'}}' ]]
	classify --load c --only-labels red,blue --map blue=Blau new.jsonl | column label | sort -u | tr '\n' ' ' |
		grep -qx '"Blau" "red" '
	classify --load c --only-labels red new.jsonl | column score | sort -u | grep -qx 1
	classify --load c --reject-below 0.6 new.jsonl >r
	grep -c '"label":null,"score":0.[345]' r | grep -qv '^0$'
	! grep '"label":null' r | grep -qE '"score":0.[6789]' || false
	run classify --load c --only-labels rd new.jsonl
	status_is 2
	output_has 'there is no label rd among blue, green, red'
	run classify --load c --map rd=x new.jsonl
	status_is 2
}

@test "--multi-label gives arrays of all labels above the threshold" {
	classify --fit --save c in.jsonl
	classify --load c --multi-label --threshold 0 new.jsonl | head -1 | grep -qE '"label":\["[a-z]*","[a-z]*","[a-z]*"\],"score":\[0'
	classify --load c --multi-label --threshold 1 new.jsonl | head -1 | grep -q '"label":\[\],"score":\[\]'
	classify --load c --multi-label --output-format csv new.jsonl | sed -n 2p | grep -q '"\[""[a-z]*""\]"'
}

@test "--cross-validate labels each record by the other parts, beside the true label" {
	classify --fit --cross-validate 3 -v in.jsonl >cv 2>err
	[ "$(wc -l <cv)" = 90 ]
	grep -q 'accuracy 0\.[89]' err
	head -1 cv | grep -qE '"label": "red",.*"prediction":"[a-z]*","prediction_score":0'
	classify --fit --cross-validate 3 --output-key p --save c --all-scores in.jsonl | head -1 |
		grep -qE '"p":"[a-z]*","p_score":0.*,"p_scores":\{'
	[ -s c ]
	# a third part fitted by hand
	awk 'int((NR - 1) / 3) % 30 >= 20' in.jsonl >held
	awk 'int((NR - 1) / 3) % 30 < 20' in.jsonl | classify --fit --save part
	[ "$(classify --load part --replace held | column label)" = "$(tail -30 cv | column prediction)" ]
}

# with the first record set aside for its key, the scores of the block that it began were never computed
@test "--cross-validate leaves records that are set aside out of all it does" {
	{ head -1 in.jsonl | sed 's/}$/, "prediction": 1}/'; cat in.jsonl; } >more
	run -1 classify --fit --cross-validate 3 -q --rejects r -o got more
	[ "$(wc -l <r)" = 1 ]
	classify --fit --cross-validate 3 in.jsonl | cmp - got
}

@test "--class-weight, -C and --standardize change the fit, --max-iterations says that it stopped" {
	classify --fit --save a in.jsonl
	for o in "--class-weight red=3,blue=0.5" "-C 10" "--standardize" "--method centroid"; do
		classify --fit $o --save b in.jsonl
		! cmp -s a b || false
	done
	classify --fit --class-weight balanced --save b in.jsonl
	cmp a b # they are balanced
	sed '1,40{/red/d}' in.jsonl >few.jsonl
	classify --fit --save a few.jsonl
	classify --fit --class-weight balanced --save b few.jsonl
	! cmp -s a b || false
	run classify --fit --max-iterations 1 --save b in.jsonl
	status_is 0
	output_has 'stopped after 1 step before'
	run classify --fit --class-weight rd=3 --save b in.jsonl
	status_is 2
	output_has 'rd=3'
}

@test "nearest centroids score by cosine, and --calibrate makes probabilities of them" {
	classify --fit --method centroid --save c in.jsonl
	classify --load c new.jsonl | column score | awk '$1 > 1 || $1 < -1 { exit 1 }'
	classify --load c --calibrate --save d in.jsonl >t
	grep -qE '^\{"temperature":0\.[0-9]+,"n":90,"log_loss_before":[0-9.]+,"log_loss":[0-9.]+\}$' t
	[ "$(classify --load d new.jsonl | column label)" = "$(classify --load c new.jsonl | column label)" ]
	classify --load d --all-scores --drop embedding new.jsonl | head -1 | sed 's/.*scores":{//' | tr ',:}' '\n' |
		awk '/^[0-9]/ { s += $1 } END { exit s < 0.999999 || s > 1.000001 }'
	classify --load c --temperature "$(sed -E 's/.*e":([0-9.]+),"n.*/\1/' t)" new.jsonl | cmp - <(classify --load d new.jsonl)
}

@test "zero-shot: the label whose own vector is nearest, without examples, saved and loaded" {
	printf '%s\n' '{"text": "the cat sleeps"}' '{"text": "a fast car on the road"}' >t.jsonl
	classify --label 'a sleeping cat' --label 'driving a car' --map 'driving a car=car' t.jsonl >out
	[ "$(column label <out | tr '\n' ' ')" = '"a sleeping cat" "car" ' ]
	printf 'a sleeping cat\n\ndriving a car\n' >labels.txt
	classify --labels-file labels.txt --map 'driving a car=car' --save z t.jsonl | cmp - out
	classify --label 'a sleeping cat' --label 'driving a car' --template 'text: [DOCUMENT]' t.jsonl |
		column score | head -1 | grep -vqx "$(column score <out | head -1)"
	embed t.jsonl | classify --load z --map 'driving a car=car' --drop embedding | cmp - out
	run classify --label a --label a t.jsonl
	status_is 2
}

@test "-m embeds the texts to fit to and to label" {
	[ -d "$HEDDLE_BUILD/models/all-MiniLM-L6-v2" ] || skip "no model"
	export HEDDLE_MODELS=$HEDDLE_BUILD/models
	for i in 1 2 3; do printf '{"text": "a sunny day %d", "label": 1}\n{"text": "rain and storm %d", "label": 0}\n' $i $i; done >t
	classify --fit -m all-MiniLM-L6-v2 --save c t
	echo '{"text": "bright sunshine"}' | classify --load c -m all-MiniLM-L6-v2 | grep -q '"label":1,'
	embed -m all-MiniLM-L6-v2 t | classify --fit --save d
	classify --load d -m all-MiniLM-L6-v2 --output-key p t | cmp - <(classify --load c -m all-MiniLM-L6-v2 --output-key p t)
	classify --fit --save e in.jsonl
	run classify --load e -m all-MiniLM-L6-v2 --replace t
	status_is 65
	output_has 'vectors of 3 numbers, the model gives 384'
}

@test "--input-vectors are read beside the records" {
	echo '{"text": "x"}' >two
	echo '{"text": "a cat"}' >>two
	embed --vectors v.npy two >/dev/null
	embed two | sed 's/"text"/"label": "l", "text"/;1s/"l"/"k"/' | classify --fit --save c
	embed two | classify --load c --drop embedding | cmp - <(classify --load c --input-vectors v.npy two)
	# fitted to rows as to vectors, a record in between set aside
	embed two | sed 's/"text"/"label": "l", "text"/;1s/"l"/"k"/' >both
	printf '%s\n' '{"text": "x"}' '{"text": "y"}' '{"text": "a cat"}' | embed --vectors w.npy >/dev/null
	{ sed -n 1p both; echo '{"text": "y"}'; sed -n 2p both; } | sed 's/, *"embedding":.*\]//' >three
	classify --fit --save f --input-vectors w.npy --on-error=reject three || [ $? = 1 ]
	cmp c f
	run classify --load c --input-vectors v.npy --format jsonl <<<'{"text": "x"}'
	status_is 65
}

@test "records without vector or label, labels of two types, one label only: where and what" {
	run classify --fit --save c <(echo '{"label": 1}')
	status_is 65
	output_has ':1: no key "embedding": give records vectors'
	sed '5s/"label": "[a-z]*"/"label": 3/' in.jsonl >mixed.jsonl
	run classify --fit --save c mixed.jsonl
	status_is 65
	output_has 'mixed.jsonl:5: key "label": the label 3 is a number, those before are strings'
	run classify --fit --save c --on-error=reject --rejects r mixed.jsonl
	status_is 1
	[ "$(wc -l <r)" = 1 ]
	sed '4s/"label": "[a-z]*"/"label": [1]/' in.jsonl >array.jsonl
	run classify --fit --save c array.jsonl
	status_is 65
	output_has 'array.jsonl:4: '
	run classify --fit --save c <(grep red in.jsonl)
	status_is 65
	output_has 'all records have the same label'
	run classify --fit --save c </dev/null
	status_is 65
	classify --fit --save c in.jsonl
	echo '{"embedding": [1, 2]}' >short.jsonl
	run classify --load c short.jsonl
	status_is 65
	output_has 'short.jsonl:1: key "embedding" has 2 numbers, the classifier wants 3'
	run classify --load c --calibrate <(sed '2s/"label": "[a-z]*"/"label": "pink"/' in.jsonl)
	status_is 65
	output_has ':2: key "label": the label "pink" is none of the classifier'
	run classify --load in.jsonl new.jsonl
	status_is 78
	run classify --load missing new.jsonl
	status_is 66
}

@test "a label without a word is exit 2" {
	run classify --label red --label '' in.jsonl
	status_is 2
	output_has "--label '' says nothing"
}

# room for 65,536 vectors was once made at the first: 13 GB here
@test "few long vectors are fitted to in little memory" {
	for label in a b a; do
		echo "{\"label\": \"$label\", \"embedding\": [$(seq -s, 50000)]}"
	done >long.jsonl
	for method in logistic centroid; do
		(ulimit -v 4000000 && classify --fit --method $method --save c long.jsonl)
	done
}

golden=$HEDDLE_SRC/tests/golden/classify

# near TSV TSV: the same texts, labels and, to 1e-6, scores
near() {
	paste "$1" "$2" | awk -F'\t' '$1 != $5 || $2 != $6 || $3 != $7 || ($4 - $8) ^ 2 > 1e-12 { print; bad = 1 } END { exit bad || NR < 9 }'
}

@test "a fine-tuned model: labels and scores by softmax, or by sigmoid where config.json says so" {
	printf '%s\n' '{"text": "not the best", "two": "the cloth"}' '{"text": "", "two": ""}' >t
	classify -m "$golden/bert" --all-scores --top-k 1 t >o
	head -1 o | grep -qE '"label":"(no|yes|perhaps)","score":0.*"top":\[\{"label".*"scores":\{"no":0[^}]*"yes":0[^}]*"perhaps":0'
	sed 's/.*scores":{//' o | tr ',:}' '\n' | awk '/^[0-9]/ { s += $1 } END { exit s < 1.99999 || s > 2.00001 }'
	! classify -m "$golden/bert" --pair-key two --output-key label t | cmp -s - <(classify -m "$golden/bert" t) || false
	classify -m "$golden/bert" --only-labels yes,no --map yes=1,2 t | head -1 | grep -qE '"label":"(no|1,2)"'
	classify -m "$golden/bert-multi" --all-scores t | sed 's/.*scores":{//' | tr ',:}' '\n' |
		awk '/^[0-9]/ { s += $1 } END { exit s > 1.9 && s < 2.1 }'
	classify -m "$golden/bert-multi" --multi-label t | head -1 | grep -qE '"label":\[.*\],"score":\[.*\]}$'
	classify -m "$golden/cross-encoder" --pair-key two t | grep -cE '"label":"score","score":-?[0-9.]+}' | grep -qx 2
	classify -m "$golden/bert" --threads 1 t | cmp - <(classify -m "$golden/bert" --threads 3 t)
}

@test "zero-shot by entailment, single- and multi-label, is transformers' pipeline" {
	cut -f2 "$golden/zero-shot.tsv" | uniq >texts.txt
	for mode in "single --no-margin" "multi --multi-label"; do
		classify -m "$golden/nli" --label 'the river' --label stone --label 'old friends and cloth' \
			--hypothesis-template 'It is about {}.' --top-k 3 ${mode#* } texts.txt >o
		sed -E 's/^\{"text":"([^"]*)".*"top":\[(.*)\]\}$/\1\t\2/' o |
			awk -F'\t' -v mode="${mode%% *}" '{ n = split($2, a, /\{"label":"|","score":|\},?/)
				for (i = 2; i < n; i += 3) printf "%s\t%s\t%s\t%s\n", mode, $1, a[i], a[i + 1] }' >got
		grep "^${mode%% *}" "$golden/zero-shot.tsv" >want
		near got want
	done
	run classify -m "$golden/bert" --label a --hypothesis-template '{}' texts.txt
	status_is 78
	output_has 'no label that begins with "entail"'
}

@test "--calibrate of a fine-tuned model tells the temperature" {
	for i in 1 2 3 4; do printf '{"text": "cloth %d", "label": "yes"}\n{"text": "river %d", "label": "no"}\n' $i $i; done >t
	classify -m "$golden/bert" --calibrate t | grep -qE '^\{"temperature":[0-9.e+]+,"n":8,'
	run classify -m "$golden/bert-multi" --calibrate t
	status_is 2
	run classify -m "$golden/bert" --calibrate --save c t
	status_is 2
}

@test "folders that hold no classifier are exit 78 and say what is missing" {
	cp -r "$golden/bert" m
	sed 's/"id2label": {[^}]*}/"id2label": {"0": "a", "2": "b", "1": 5}/' "$golden/bert/config.json" >m/config.json
	run classify -m m --format text <<<x
	status_is 78
	output_has 'id2label'
	sed 's/"id2label": {[^}]*}/"num_labels": 7/' "$golden/bert/config.json" >m/config.json
	run classify -m m --format text <<<x
	status_is 78
	output_has 'classifier.weight'
	run classify -m "$golden/../embed/bert-odd" --format text <<<x
	status_is 78
	output_has 'is no text classifier'
	cp -r "$golden/modernbert" r
	sed 's/{/{"rope_parameters": {"full_attention": {"rope_type": "yarn"}}, /' "$golden/modernbert/config.json" >r/config.json
	run classify -m r --format text <<<x
	status_is 78
	output_has 'rope_type other than default is not supported'
	cp -r "$golden/deberta-v2" d
	sed 's/"p2c", //' "$golden/deberta-v2/config.json" >d/config.json
	run classify -m d --format text <<<x
	status_is 78
	output_has 'only relative_attention with pos_att_type c2p and p2c'
	sed 's/"position_buckets": 6/"position_buckets": 7/' "$golden/deberta-v2/config.json" >d/config.json
	run classify -m d --format text <<<x
	status_is 78
	output_has 'encoder.rel_embeddings.weight'
	run classify -m nowhere --format text <<<x
	status_is 66
}

@test "a SentencePiece model alone is refused where the model wants its texts framed" {
	cp -r "$golden/albert" model
	rm model/tokenizer.json
	cp "$HEDDLE_SRC/tests/golden/sentencepiece/unigram.model" model/spiece.model
	run classify -m ./model --format text <<<x
	status_is 78
	output_has 'needs a tokenizer.json'
	mv model/spiece.model model/spm.model
	echo '{"tokenizer_class": "DebertaV2Tokenizer"}' >model/tokenizer_config.json
	run classify -m ./model --format text <<<x
	status_is 78
	output_has 'a DebertaV2Tokenizer makes other tokens than its SentencePiece model'
}

@test "options that do not go together are exit 2" {
	classify --fit --save c in.jsonl
	for o in "" "--fit" "--fit --load c" "--load c --label x" "--load c -C 2" "--load c --save d" "--fit --save d --top-k 2" \
		"--fit --save d -o x" "--load c --threshold 1" "--load c --template x" "--label x --template x" "--load c --max-length 9" \
		"--load c --calibrate --all-scores" "--load c --label-key x" "--fit --save d --method centroid -C 2" \
		"--load c --multi-label --reject-below 1" "-m x --save c" "--label x --hypothesis-template {}" "-m x --label y --hypothesis-template z" \
		"-m x --label y --pair-key z" "--load c --pair-key z" "--fit --cross-validate 1" "--label x --input-vectors v.npy"; do
		run classify $o in.jsonl
		[ "$status" = 2 ] || { echo "$o: $status $output"; false; }
	done
}
