# model: descriptions and distillation.
load common
golden=$HEDDLE_SRC/tests/golden/embed

@test "info names modules, sizes, parameters and digests" {
	run model info "$golden/bert-dense"
	status_is 0
	output_has "modules       bert, pooling cls+max+mean+weightedmean+last, dense 80 to 12 tanh, normalize"
	output_has "heads         1 of 16"
	output_has "gelu (tanh)"
	output_has "$(sha256sum <"$golden/bert-dense/model.safetensors" | cut -d ' ' -f 1) model.safetensors"
	run model info "$golden/bert-prompt" --tensors
	output_has 'prompt        query: "the letter: " (by default)'
	output_has "tensor        embeddings.word_embeddings.weight F16 ["
	run model info "$HEDDLE_SRC/share/models/all-MiniLM-L6-v2-static"
	output_has "modules       static, normalize"
	output_has "7813632 I8"
}

@test "distil makes a static model that embed opens, the same bytes every time" {
	cd "$BATS_TEST_TMPDIR"
	model distil "$golden/bert-odd" small --dimensions 8
	HEDDLE_CPU=portable model distil "$golden/bert-odd" again --dimensions 8 --threads 1
	diff -r small again
	echo '{"text":"the quick brown fox"}' | embed -m ./small | awk -F, '{ exit NF != 9 }'
	model info ./small | grep -q "static, normalize"
	run model distil ./small third
	status_is 2
	output_has "a static model already"
	run model distil "$golden/bert-odd" third --dimensions 16
	status_is 2
}

@test "usage" {
	for args in "" "info" "info a b" "distil a" "pull a"; do
		run model $args
		status_is 2
	done
	HF_HUB_CACHE=/nowhere run model info no-such-model
	status_is 66
}

@test "devices: the processor, and the cards or why there is none" {
	HEDDLE_CPU=portable run model devices
	status_is 0
	[[ ${lines[0]} == $'cpu\tportable, '*' thread'* ]]
	[[ ${lines[1]} == $'cuda\t'* || ${lines[1]} == $'cuda:0\t'* ]]
	run model devices more
	status_is 2
}
