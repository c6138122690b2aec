# The examples of the man pages and of --help run as they stand, in a folder with the files that they name; models are small ones
# under the names of real ones.
load common

golden=$HEDDLE_SRC/tests/golden

setup_file() {
	mkdir "$BATS_FILE_TMPDIR"/{models,tools,files}
	cd "$BATS_FILE_TMPDIR/models"
	ln -s "$golden/embed/bert-dense" all-MiniLM-L6-v2
	ln -s "$golden/classify/ner-bert" bert-base-NER
	ln -s "$golden/classify/bert" distilbert-base-uncased-finetuned-sst-2-english
	# what an example's pipe ends in where it is no command of ours
	for t in jq less; do printf '#!/bin/sh\nexec cat\n' >../tools/$t; done
	chmod +x ../tools/*
	export HEDDLE_MODELS=$PWD
	cd ../files
	for m in model gpt2 llama; do ln -s "$golden/classify/modernbert" $m; done
	ln -s "$HEDDLE_SRC/tests/data/vocab.txt" .
	texts 200 >docs.jsonl
	for f in train labelled reviews news letters; do texts 40 >$f.jsonl; done
	sed -n 's/.*"text": "\([^"]*\)".*/\1/p' docs.jsonl >notes.txt
	{ echo title,text; sed 's/.*/"&",text/' notes.txt; } >docs.csv
	printf 'Anna\tB-PER\nlives\tO\n\nin\tO\nOslo\tB-LOC\n' >test.conll
	embed -m all-MiniLM-L6-v2 docs.jsonl >vectors.jsonl
	reduce -n 2 --n-epochs 20 vectors.jsonl | cluster --min-cluster-size 5 >clustered.jsonl
	cp clustered.jsonl in.jsonl
	topics --report topics.json clustered.jsonl >assigned.jsonl
	reduce -n 2 --n-epochs 20 --output-key xy --vectors tsne.npy assigned.jsonl >/dev/null
	reduce -n 2 --n-epochs 20 --output-key xy assigned.jsonl >map.jsonl
	sed 's/"label"/"class"/' docs.jsonl | tokenize --count --output-format csv >records.csv
	# what is judged, and the vectors of the built-in model
	embed train.jsonl | sed 's/"label": *\([0-9]*\)/"prediction": \1, "reference": \1, "genre": "a", "gold": \1/' >old.jsonl
	for f in week1 week2 new test predicted; do cp old.jsonl $f.jsonl; done
	classify --fit --label-key gold --save clf.safetensors old.jsonl
	cluster --min-cluster-size 3 --save clusters.safetensors old.jsonl >/dev/null
}

# examples_run NAME: run what stands on stdin in a copy of the files
examples_run() {
	cp -R "$BATS_FILE_TMPDIR/files" "$BATS_TEST_TMPDIR/$1"
	cat >"$BATS_TEST_TMPDIR/$1.sh"
	[ -s "$BATS_TEST_TMPDIR/$1.sh" ] || { echo "$1: no example"; return 1; }
	cd "$BATS_TEST_TMPDIR/$1"
	case $1 in
	classify*) texts 40 >test.jsonl; texts 40 | sed "s/, .label.*/}/" | tee reviews.jsonl >new.jsonl ;;
	topics*) texts 40 >new.jsonl ;;
	esac
	PATH=$BATS_FILE_TMPDIR/tools:$PATH run bash -euxo pipefail "../$1.sh"
	status_is 0
}

@test "every example of a man page works" {
	for c in $(commands) heddle; do
		awk '/^\.Sh/ { on = /EXAMPLES/ } !on { next } /^\.Dl / { print substr($0, 5) }
			/^\.Ed/ { block = 0 } block { print } /^\.Bd/ { block = 1 }' "$HEDDLE_SRC/man/man1/$c.1" |
			sed 's/\\e/\\/g; s/\\-/-/g; /^model distil/d' | examples_run "$c" # distil takes a larger model
	done
}

@test "every example of --help works" {
	for c in $(commands); do
		"$c" --help | sed -n '/^Examples:/,$ { /^  [^#]/p }' | sed '/^  model distil/d' | examples_run "$c-help"
	done
}
