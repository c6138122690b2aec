# embed: vectors of tiny models and of the built-in one, options, formats, the same bytes, bad input; MiniLM where it was fetched.
load common
golden=$HEDDLE_SRC/tests/golden/embed
tiny=$golden/bert-odd
export HEDDLE_MODELS=$HEDDLE_BUILD/models

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$golden/texts.jsonl" in.jsonl
}

minilm() { [ -d "$HEDDLE_MODELS/all-MiniLM-L6-v2" ] || skip "all-MiniLM-L6-v2 is not in $HEDDLE_MODELS: tests/get-models"; }

@test "records pass through, the embedding behind them" {
	embed in.jsonl >out.jsonl
	sed -E 's/,"embedding":\[[-0-9e.,]+\]\}$/}/' out.jsonl | cmp - in.jsonl
	embed --output-key v --encoding base64 in.jsonl >out.jsonl
	sed -E 's/,"v":"[A-Za-z0-9+/=]+"\}$/}/' out.jsonl | cmp - in.jsonl
}

@test "the built-in model gives 256 dimensions, like texts like vectors, and no text zeros" {
	printf '%s\n' "The cat sat on the mat." "A cat is sitting on a mat." "Quarterly interest rates rose." "" >in.txt
	embed in.txt >out.jsonl
	awk -F'[][]' '{ n = split($2, v, ","); if (n != 256) exit 1; for (i in v) x[NR, i] = v[i] }
		function dot(a, b, s) { for (i = 1; i <= 256; i++) s += x[a, i] * x[b, i]; return s }
		END { if (!(dot(1, 2) > 0.6 && dot(1, 3) < 0.3 && dot(1, 1) > 0.9999 && dot(4, 4) == 0)) exit 1 }' out.jsonl
}

@test "the same bytes at any number of threads, batch, from stdin, and with any kernels" {
	embed -m "$tiny" --threads 1 in.jsonl >one
	embed -m "$tiny" --threads 3 --batch-tokens 7 <in.jsonl >three
	cmp one three
	HEDDLE_CPU=portable embed -m "$tiny" in.jsonl | cmp - one
	embed --threads 1 in.jsonl >one
	HEDDLE_CPU=portable embed --threads 4 --batch-tokens 1 in.jsonl | cmp - one
}

@test "more records than a window keep their order" {
	texts 5000 >many.jsonl
	embed --encoding base64 many.jsonl | sed -E 's/,"embedding":"[^"]*"\}$/}/' | cmp - many.jsonl
}

@test "CSV in, CSV out; --output-format; --drop; text" {
	printf 'id,text\n1,the loom\n2,"a, b"\n' >in.csv
	embed -m "$tiny" in.csv >out.csv
	[ "$(sed -n 1p out.csv)" = id,text,embedding ]
	sed -n 3p out.csv | grep -qE '^2,"a, b","\[[-0-9.e,]+\]"'
	embed -m "$tiny" --output-format jsonl --drop text --encoding base64 in.csv | head -1 | grep -qE '^\{"id":"1","embedding":"[^"]+"\}$'
	printf 'the loom\n' | embed -m "$tiny" --format text | grep -qE '^\{"text":"the loom","embedding":\['
}

@test "--vectors keeps them beside the records" {
	embed -m "$tiny" --vectors v.npy in.jsonl >out.jsonl
	cmp in.jsonl out.jsonl
	n=$(wc -l <in.jsonl)
	head -c 128 v.npy | grep -aq "'shape': ($n, 15), }"
	[ "$(stat -c %s v.npy)" = $((128 + n * 15 * 4)) ]
	embed -m "$tiny" --output-format jsonl --encoding base64 in.jsonl | sed -E 's/.*"embedding":"([^"]*)".*/\1/' |
		while read -r v; do printf %s "$v" | base64 -d; done >rows
	tail -c +129 v.npy | cmp - rows
}

@test "a full disk under --vectors is an error" {
	run embed -m "$tiny" --vectors /dev/full in.jsonl
	status_is 74
	run embed -m "$tiny" --vectors /no/such/folder/v.npy in.jsonl
	status_is 74
}

@test "options that the model cannot follow are usage errors" {
	run embed -m "$tiny" --max-length 49 in.jsonl
	status_is 2
	output_has "the model has positions for 48"
	run embed --pooling cls in.jsonl
	status_is 2
	output_has "a static model has no pooling but the mean"
	run embed -m "$tiny" --truncate-dim 16 in.jsonl
	status_is 2
	run embed -m "$golden/bert-prompt" --prompt-name passage in.jsonl
	status_is 2
	output_has "it has query, document"
	run embed --prompt a --prompt-name b in.jsonl
	status_is 2
	run embed --dtype bf16 in.jsonl
	status_is 2
}

@test "prompts, length, dimensions and normalisation" {
	embed -m "$golden/bert-prompt" --prompt-name document in.jsonl >a
	embed -m "$golden/bert-prompt" --prompt '' in.jsonl | cmp - a
	embed -m "$golden/bert-prompt" in.jsonl >b
	! cmp -s a b || false
	embed -m "$tiny" --max-length 5 -v in.jsonl 2>log >c
	grep -qE 'truncated [1-9]' log
	embed -m "$tiny" --truncate-dim 2 --normalize in.jsonl | awk -F'[][,]' '
		{ s = $(NF - 1) ^ 2 + $(NF - 2) ^ 2; if (s < 0.99999 || s > 1.00001) exit 1 }'
}

@test "a model that is not there is named with where it was sought" {
	HF_HUB_CACHE=/nowhere run embed -m no-such-model in.jsonl
	status_is 66
	output_has "no-such-model"
	output_has "$HEDDLE_MODELS"
	output_has "/nowhere"
}

@test "broken models say what is wrong and exit 78" {
	cp -r "$tiny" m
	rm m/vocab.txt
	run embed -m ./m in.jsonl
	status_is 78
	cp "$tiny/vocab.txt" m
	truncate -s 1000 m/model.safetensors
	run embed -m ./m in.jsonl
	status_is 78
	output_has "model.safetensors: cut short"
	cp "$tiny/model.safetensors" m
	truncate -s -1 m/model.safetensors
	run embed -m ./m in.jsonl
	status_is 78
	output_has "do not lie within"
	cp "$tiny/model.safetensors" m
	sed -i 's/\[UNK\]/[UNC]/' m/vocab.txt
	run embed -m ./m in.jsonl
	status_is 78
	output_has "[UNK]"
}

@test "a missing or wrong text stops, or is set aside" {
	printf '{"text":"a"}\n{"t":"b"}\n{"text":3}\n{"text":"d"}\n' >in.jsonl
	run embed -m "$tiny" in.jsonl
	status_is 65
	output_has "in.jsonl:2"
	run -1 --separate-stderr embed -m "$tiny" --rejects bad in.jsonl
	[ "${#lines[@]}" = 2 ]
	[ "$(wc -l <bad)" = 2 ]
	printf '{"text":"a","embedding":1}\n' >in.jsonl
	run embed -m "$tiny" in.jsonl
	status_is 65
	output_has "--replace"
	embed -m "$tiny" --replace in.jsonl | grep -qE '^\{"text":"a","embedding":\['
}

@test "no records give none" {
	: >empty.jsonl
	run embed --format jsonl -m "$tiny" empty.jsonl
	status_is 0
	[ -z "$output" ]
}

@test "MiniLM agrees with sentence-transformers to 1e-5" {
	minilm
	embed -m all-MiniLM-L6-v2 --vectors v.npy in.jsonl >/dev/null
	paste <(tail -c +129 v.npy | od -An -v -tf4 -w4) <(tail -c +129 "$golden/minilm.npy" | od -An -v -tf4 -w4) |
		awk '{ d = $1 - $2; if (d > 1e-5 || d < -1e-5) bad++ } END { if (bad || NR != 24 * 384) { print bad, NR; exit 1 } }'
}

@test "MiniLM stays under 300 MB however long the input" {
	minilm
	command -v python3 >/dev/null || skip "no python3 to ask for the memory"
	texts 3000 >many.jsonl
	python3 - <<'EOF_PY'
import resource, subprocess
subprocess.run(["embed", "-m", "all-MiniLM-L6-v2", "-o", "/dev/null", "many.jsonl"], check=True)
kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
assert kb < 300000, kb
EOF_PY
}
