# The command beside Hugging Face tokenizers itself, which tests/get-reference installs: goldens hold what it said once, this asks.
load common

setup() {
	export PYTHONPATH=$HEDDLE_BUILD/reference TOKENIZERS_PARALLELISM=false
	if ! python3 -c 'import tokenizers' 2>/dev/null; then
		[ "${CI:-}" != true ] || { echo "the reference is missing: tests/get-reference"; return 1; }
		skip "tests/get-reference has not installed tokenizers"
	fi
	cd "$HEDDLE_SRC/tests/golden" || return 1
}

@test "every component answers as the installed reference does" {
	run python3 components.py compare tokenize --quick
	echo "$output"
	status_is 0
}

@test "real tokenizers over real texts answer as the installed reference does" {
	[ -d "$data/tokenizers" ] || skip "no ../shared/data"
	HEDDLE_DATA_DIR=$data run python3 components.py real tokenize --quick
	echo "$output"
	status_is 0
}

@test "tokenizers are trained as the installed reference does" {
	[ -d "$data/wikitext2" ] || skip "no ../shared/data"
	HEDDLE_DATA_DIR=$data run python3 train_tokenizer.py compare tokenize --quick
	echo "$output"
	status_is 0
}

@test "tokenizers of chance answer as the installed reference does" {
	HEDDLE_DATA_DIR=$data run python3 random_tokenizers.py tokenize 0 150
	echo "$output"
	status_is 0
}
