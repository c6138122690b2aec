# tokenize --train: what it reads, writes and refuses. That the tokens are right is for tests/unit/test_train.c.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	for i in 1 2 3; do
		echo '{"text":"low lower lowest newer newest widest"}'
		echo '{"text":"hug hugs hugging pug pugs bun buns"}'
	done >texts.jsonl
}

# train KIND N OPTION...
train() {
	local kind=$1 n=$2
	shift 2
	tokenize --train "$kind" --vocab-size "$n" "$@"
}

@test "a tokenizer of each kind is learnt, and tokenizes" {
	for kind in wordpiece:50 bpe:280 unigram:40; do
		run train ${kind%:*} ${kind#*:} texts.jsonl -o $kind.json
		status_is 0
		[ -z "$output" ]
		run bash -c "echo '{\"text\":\"Lower buns\"}' | tokenize -m $kind.json --fields ids --drop text | tokenize --decode -m $kind.json --skip-special-tokens --drop ids"
		status_is 0
		case $kind in
		wordpiece*) [ "$output" = '{"text":"lower buns"}' ] ;;
		bpe*) [ "$output" = '{"text":"Lower buns"}' ] ;;
		*) [ "$output" = '{"text":"ower buns"}' ] ;; # L is no character of the texts
		esac
	done
}

@test "the vocabulary has as many tokens as asked for, the frequent pairs first" {
	run train bpe 260 texts.jsonl
	status_is 0
	output_has '"<|endoftext|>":0,'
	output_has '["u","g"],'
	output_has ':259},"merges"'
	[[ $output != *:260* ]]
}

@test "neither the order of records nor the number of threads changes a byte" {
	for i in $(seq 300); do cat texts.jsonl; done >many.jsonl
	sort many.jsonl >sorted.jsonl
	for kind in wordpiece bpe unigram; do
		train $kind 290 many.jsonl --threads 1 -o a
		train $kind 290 sorted.jsonl --threads 3 -o b
		cmp a b
	done
}

@test "CSV, text and other keys are read as ever" {
	train wordpiece 50 texts.jsonl -o a
	sed 's/.*:"//; s/"}//' texts.jsonl >texts.txt
	train wordpiece 50 texts.txt -o b
	(echo id,body && sed 's/^/1,/' texts.txt) >texts.csv
	train wordpiece 50 --text-key body texts.csv -o c
	cmp a b
	cmp a c
}

@test "-m keeps all but the vocabulary; ids in the post-processor and the padding are the new ones" {
	cat >model.json <<-'END'
	{"version":"1.0","padding":{"strategy":"BatchLongest","direction":"Right","pad_id":9,"pad_type_id":0,"pad_token":"<p>"},"added_tokens":[
	{"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
	{"id":1,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
	{"id":2,"content":"plain","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":false},
	{"id":3,"content":"<p>","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":true}],
	"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"WhitespaceSplit"},
	"post_processor":{"type":"Sequence","processors":[{"type":"RobertaProcessing","sep":["</s>",1],"cls":["<s>",0],"trim_offsets":true,"add_prefix_space":false},
	{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
	"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],"special_tokens":{"x":{"id":"x","ids":[3,1],"tokens":["<p>","</s>"]}}}]},
	"decoder":{"type":"BPEDecoder","suffix":"</w>"},
	"model":{"type":"BPE","dropout":null,"unk_token":"<s>","continuing_subword_prefix":null,"end_of_word_suffix":"</w>","fuse_unk":true,"vocab":{"<s>":0,"</s>":1,"plain":2,"<p>":3},"merges":[]}}
	END
	run train bpe 60 -m model.json --special-token '<new>' texts.jsonl
	status_is 0
	output_has '"pad_id":2,'
	output_has '{"id":2,"content":"<p>","single_word":false,"lstrip":true,'
	output_has '{"id":3,"content":"<new>",'
	output_has '"sep":["</s>",1],"cls":["<s>",0]'
	output_has '"ids":[2,1],"tokens":["<p>","</s>"]'
	output_has '"unk_token":"<s>"'
	output_has '"fuse_unk":true'
	output_has '"s</w>"'
	[[ $output != *plain* ]]
}

@test "-m finds a model by its name, and takes a tokenizer.json only" {
	mkdir -p models/mine
	train unigram 40 texts.jsonl -o models/mine/tokenizer.json
	HEDDLE_MODELS=$PWD/models run train unigram 40 -m mine texts.jsonl
	status_is 0
	[ "$output" = "$(cat models/mine/tokenizer.json)" ]
	run train wordpiece 40 -m "$HEDDLE_SRC/tests/data/vocab.txt" texts.jsonl
	status_is 78
	output_has "takes over a tokenizer.json only"
	run train bpe 40 -m models/mine texts.jsonl
	status_is 2
	output_has "models/mine: the model of the template is Unigram, not BPE"
	run train bpe 40 -m ./none texts.jsonl
	status_is 66
}

@test "what stands outside of a vocabulary: lowercase, characters, special tokens" {
	echo '{"text":"ÀB"}' >one.jsonl
	run train wordpiece 30 one.jsonl
	output_has '"##b"'
	run train wordpiece 30 --no-lowercase one.jsonl
	output_has '"##B"'
	run train unigram 30 --lowercase --initial-alphabet 'éß' one.jsonl
	output_has '["é",'
	output_has '["à",'
	run train wordpiece 20 --limit-alphabet 3 texts.jsonl
	output_has '"##e":'
	[[ $output != *'"p"'* ]]
	run train wordpiece 60 --min-frequency 6 texts.jsonl
	output_has '"##west":'
	[[ $output != *'"hugging"'* ]]
}

@test "a vocabulary too small for special tokens and characters, and texts without a word" {
	run train wordpiece 20 texts.jsonl
	status_is 2
	output_has "a vocabulary of 20 has no room for the 5 special tokens and"
	run train unigram 5 texts.jsonl
	status_is 2
	output_has "with 1 special token has no room for the 16 different characters"
	for kind in wordpiece bpe unigram; do
		run train $kind 300 --format jsonl /dev/null -o nothing
		status_is 65
		output_has "there is no text to learn from"
		[ ! -e nothing ]
		run bash -c "echo '{\"text\":\"\"}' | tokenize --train $kind --vocab-size 300"
		status_is 65
	done
}

@test "a record without text stops with file and line, or is set aside" {
	(cat texts.jsonl && echo '{"other":1}') >bad.jsonl
	run train wordpiece 50 bad.jsonl -o out
	status_is 65
	output_has 'bad.jsonl:7: key "text" is missing'
	[ ! -e out ]
	run train wordpiece 50 bad.jsonl --rejects rejected -o out
	status_is 1
	train wordpiece 50 texts.jsonl -o clean
	cmp out clean
	[ "$(wc -l <rejected)" = 1 ]
}

@test "a failed output is an error" {
	[ -c /dev/full ] || skip "no /dev/full"
	run bash -c "tokenize --train wordpiece --vocab-size 50 texts.jsonl >/dev/full"
	status_is 74
}

@test "options that do not go together: 2" {
	while read -r message options; do
		run tokenize $options texts.jsonl
		status_is 2
		output_has "${message//_/ }"
	done <<-'END'
	go_with_--train --vocab-size 100
	go_with_--train --special-token x
	go_with_--train --min-frequency 2
	go_with_--train --max-token-length 2
	with_--train_bpe_only --train unigram --max-token-length 2
	--train_goes_with --train bpe --count
	--train_goes_with --train bpe --fields ids
	--train_goes_with --train bpe --max-length 5
	--train_goes_with --train bpe --show
	--train_goes_with --train bpe --no-add-special-tokens
	wordpiece_and_bpe_only --train unigram --min-frequency 2
	wordpiece_and_bpe_only --train unigram --limit-alphabet 2
	leave_out_one_of_-m --train bpe -m x --lowercase
	words --train words
	--special-token --train bpe --special-token=
	END
	run tokenize --train bpe --special-token $'\xff' texts.jsonl
	status_is 2
	output_has "is not UTF-8"
	run tokenize --train bpe --initial-alphabet $'\xff' texts.jsonl
	status_is 2
	output_has "is not UTF-8"
}

# The reference says of such a space that it is from the word's first character, which was shown twice for it.
@test "--show shows a space that is a token by itself as the white space" {
	train unigram 40 texts.jsonl -o unigram.json
	run tokenize -m unigram.json --show <<<'{"text":"hug Zug"}'
	status_is 0
	[ "$output" = '     5  hug| |Z|u|g' ]
}
