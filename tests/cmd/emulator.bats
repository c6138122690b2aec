# The CUDA backend on the emulator (tests/emu/emu.h): what a card without memory leads to.
load common
cuda=$HEDDLE_BUILD/tests/emu/bin

setup() {
	cd "$BATS_TEST_TMPDIR"
	[ -x "$cuda/embed" ] || skip "the emulated commands are not built"
	texts 40 >in.jsonl
}

# near MOST A B: no element of the embeddings differs by more, and there are more than 50
near() {
	paste -d ' ' "$2" "$3" | awk -v most="$1" '{ split($0, side, /"embedding":\[/); n = split(side[2], a, /[],]/); split(side[3], b, /[],]/)
		for (i = 1; i < n; i++) { d = a[i] - b[i]; if (d > most || d < -most) exit 1; all++ } } END { exit !(all > 50) }'
}

@test "whichever allocation fails, embed gives the same bytes or says that memory is short" {
	m=$HEDDLE_SRC/tests/golden/embed/bert-odd
	embed --device cpu -m "$m" in.jsonl >cpu
	short=0
	for n in 0 1 2 3 4 5 6 7; do
		HEDDLE_EMU_FAIL_ALLOC=$n run "$cuda/embed" --device cuda -m "$m" -o out in.jsonl
		if [ "$status" = 0 ]; then cmp cpu out; else status_is 75; output_has memory; short=$((short + 1)); fi
		rm -f out
	done
	[ "$short" -lt 8 ]
	HEDDLE_EMU_MEMORY=100000 run -75 "$cuda/embed" --device cuda -m "$m" -o out in.jsonl
	output_has memory
	[ ! -e out ]
}

# 30 texts of 788 tokens; the longest, of 48, needs some 345,000 bytes, all together 1,600,000.
@test "batches are halved until they fit the card; a text that does not fit alone is named" {
	m=$HEDDLE_SRC/tests/golden/embed/bert-odd
	awk 'BEGIN { for (i = 1; i <= 30; i++) { printf "{\"text\":\""; n = i == 5 ? 46 : i; for (j = 0; j < n; j++) printf "w%d ", j % 7
		print "\"}" } }' >long.jsonl
	embed --device cpu -m "$m" long.jsonl >cpu
	emulated() { HEDDLE_EMU_MEMORY=$1 "$cuda/embed" -v --device cuda -m "$m" long.jsonl 2>log >out; }
	run -75 emulated 335000
	grep -q '^embed: long.jsonl:5: a text of 48 tokens does not fit: cuda:0: no memory for 1 MiB more$' log
	[ ! -s out ]
	for memory in 400000 700000 1000000 1300000; do
		emulated $memory
		cmp cpu out
		n=$(sed -n 's/.*batches of \([0-9]*\) tokens*$/\1/p' log)
		[ "$n" -lt 788 ] # or there was nothing to halve
		[ "$memory" != 400000 ] || [ "$n" = 1 ]
		[ "$memory" != 1300000 ] || [ "$n" -gt 48 ]
	done
}

@test "PCA has its rows on the card at once, or where it is too small in pieces, with the same bytes" {
	awk 'BEGIN { s = 7; for (i = 0; i < 2400; i++) { printf "{\"embedding\":["
		for (j = 0; j < 40; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), s / 2147483648 }
		print "]}" } }' >vectors.jsonl
	reduce --device cpu --method pca -n 3 vectors.jsonl >cpu
	for memory in 1500000 4000000; do # the rows take 384000, and of either three pieces are made
		HEDDLE_EMU_MEMORY=$memory "$cuda/reduce" --device cuda --method pca -n 3 vectors.jsonl | cmp cpu -
	done
}

@test "a card without memory ends reduce, cluster and classify with exit 75, not with what was never computed" {
	awk 'BEGIN { s = 7; for (i = 0; i < 400; i++) { printf "{\"label\":\"c%d\",\"embedding\":[", i % 3
		for (j = 0; j < 6; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), (j == i % 3) + s / 2147483648 }
		print "]}" } }' >vectors.jsonl
	reduce --device cpu -n 2 --n-epochs 2 --save fitted.safetensors vectors.jsonl >cpu
	classify --device cpu --fit --save classes.safetensors vectors.jsonl
	refused() {
		HEDDLE_EMU_MEMORY=$1 run -75 --separate-stderr "$cuda/$2" --device cuda "${@:3}" vectors.jsonl
		[[ $stderr == "$2: cuda:0: no memory for "* ]]
		[ "$output" = "" ]
	}
	for memory in 100000 280000; do
		refused $memory reduce -n 2 --n-epochs 2
		refused $memory reduce -n 2 --n-epochs 2 --neighbors approximate
		refused $memory reduce --load fitted.safetensors
		refused $memory reduce --method pca -n 2
	done
	refused 100000 cluster --method kmeans --n-clusters 3
	refused 100000 classify --fit --save never.safetensors
	[ ! -e never.safetensors ]
	refused 100000 classify --load classes.safetensors --replace --output-key guess
}

@test "windows computed beside reading and writing keep their order, and come out before a failure is told" {
	static=$HEDDLE_SRC/share/models/all-MiniLM-L6-v2-static
	awk 'BEGIN { for (i = 1; i <= 6150; i++) printf "{\"text\":\"w%d w%d\"}\n", i % 7, i % 11; print "{}" }' >many.jsonl
	head -n -1 many.jsonl | embed --device cpu -m "$static" >cpu
	head -n -1 many.jsonl | "$cuda/embed" --device cuda -m "$static" | cmp cpu -
	run -65 --separate-stderr "$cuda/embed" --device cuda -m "$static" many.jsonl
	[ "$stderr" = 'embed: many.jsonl:6151: key "text" is missing' ]
	head -n 6112 cpu | cmp - <(printf '%s\n' "$output") # the windows before it: 32 + … + 1024 + 2 * 2048
}

@test "fast modes: near float32, the same bytes in any batch, by the library or by own kernels as -v says" {
	export HEDDLE_EMU_CARD=sm_90
	fast() { "$cuda/embed" -v --device cuda -m "$m" --dtype "$@" 2>log; }
	head -n 9 in.jsonl >few.jsonl
	for m in "$HEDDLE_SRC"/tests/golden/embed/bert-{odd,prompt}; do # rows of no eights, and of eights alone
		embed --device cpu -m "$m" few.jsonl >cpu
		for dtype in bf16 f16 tf32; do
			fast $dtype few.jsonl >library
			grep -q "^embed: on cuda:0 .*, products by the emulator's cuBLASLt$" log
			! grep refused log || false
			fast $dtype --batch-tokens 9 few.jsonl | cmp library -
			HEDDLE_CUBLASLT=off fast $dtype few.jsonl >own
			grep -q 'products by its own kernels (HEDDLE_CUBLASLT=off)$' log
			HEDDLE_EMU_REFUSE=1 fast $dtype few.jsonl | cmp own -
			[ "$(grep -c 'cuBLASLt refused a product of .* (status 15): by own kernels$' log)" = 1 ]
			for out in library own; do
				near "$([ $dtype = bf16 ] && echo 0.03 || echo 0.004)" cpu $out || { echo "$dtype $out"; false; }
			done
		done
	done
}

@test "fast modes by models that see a window or weigh distances: near float32, the same bytes in any batch" {
	export HEDDLE_EMU_CARD=sm_90
	printf '{"text":"%s"}\n' "the quick brown fox jumps over the lazy dog" "" x "$(yes 'the end of it all' | head -n 9 | tr '\n' ' ')" >few.jsonl
	for name in modernbert deberta-v2 deberta-conv albert; do
		m=$HEDDLE_SRC/tests/golden/classify/$name
		embed --device cpu -m "$m" few.jsonl >cpu
		for dtype in bf16 f16; do
			"$cuda/embed" --device cuda -m "$m" --dtype $dtype few.jsonl >fast
			"$cuda/embed" --device cuda -m "$m" --dtype $dtype --batch-tokens 9 few.jsonl | cmp fast -
			! cmp -s cpu fast || false
			near "$([ $dtype = bf16 ] && echo 0.03 || echo 0.004)" cpu fast || { echo "$name $dtype"; false; }
		done
	done
}

@test "classify and ner by a model of each kind: the processor's bytes" {
	printf '{"text":"%s","pair":"%s"}\n' "the quick brown fox jumps over the lazy dog" "a b c" "" x "Good bad w1 w2, hello." "the end" >pairs.jsonl
	n=0
	for m in "$HEDDLE_SRC"/tests/golden/classify/*/; do
		by="classify --all-scores"
		case $m in */ner-*) by=ner ;; esac
		$by --device cpu -m "$m" pairs.jsonl >cpu
		"$cuda"/$by --device cuda -m "$m" pairs.jsonl | cmp cpu - || { echo "$m"; false; }
		n=$((n + 1))
	done
	[ "$n" -gt 20 ]
	m=$HEDDLE_SRC/tests/golden/classify/deberta-conv
	classify --device cpu -m "$m" --pair-key pair pairs.jsonl >cpu
	"$cuda/classify" --device cuda -m "$m" --pair-key pair pairs.jsonl | cmp cpu -
}

# 20 texts, the fifth of some 30 words, the others of at most 20.
@test "classify, ner and topics halve batches too, and name what does not fit the card alone" {
	g=$HEDDLE_SRC/tests/golden/classify
	awk 'BEGIN { for (i = 1; i <= 20; i++) { printf "{\"cluster\":%d,\"text\":\"", i % 2; n = i == 5 ? 30 : i; for (j = 0; j < n; j++) printf "word%d ", j % 7
		print "\"}" } }' >long.jsonl
	refused() { # MEMORY MESSAGE COMMAND...
		HEDDLE_EMU_MEMORY=$1 run -75 --separate-stderr "$cuda/$3" --device cuda "${@:4}" long.jsonl
		[[ $stderr == "$3: $2: a text of "*" tokens does not fit: cuda:0: no memory for 1 MiB more" ]] || { echo "$stderr"; false; }
		[ "$output" = "" ]
	}
	same() { # MEMORY COMMAND...
		"${@:2}" --device cpu long.jsonl >cpu
		HEDDLE_EMU_MEMORY=$1 "$cuda/$2" --device cuda "${@:3}" long.jsonl | cmp cpu -
	}
	refused 320000 long.jsonl:5 classify -m "$g/bert"
	same 332000 classify -m "$g/bert"
	refused 320000 long.jsonl:5 ner -m "$g/ner-bert"
	same 332000 ner -m "$g/ner-bert"
	refused 332000 long.jsonl:5 classify -m "$g/deberta-conv"
	same 360000 classify -m "$g/deberta-conv"
	refused 308000 "the label a" classify -m "$g/nli" --label a --label b
	refused 320000 long.jsonl:5 classify -m "$g/nli" --label a --label b --hypothesis-template "it is {}"
	same 360000 classify -m "$g/nli" --label a --label b --hypothesis-template "it is {}"
	refused 320000 '"word0 word1 word2 word3 word4 word5 word"' topics --representation keybert -m "$HEDDLE_SRC/tests/golden/embed/bert-odd"
	same 360000 topics --representation keybert -m "$HEDDLE_SRC/tests/golden/embed/bert-odd"
}

@test "bertscore: the processor's figures, in halved batches where memory is short, or the record that does not fit" {
	m=$HEDDLE_SRC/tests/golden/embed/bert-odd
	awk 'BEGIN { for (i = 1; i <= 20; i++) { printf "{\"prediction\":\"w%d w%d\",\"reference\":[\"w1\",\"", i % 7, i % 3; n = i == 5 ? 46 : i
		for (j = 0; j < n; j++) printf "w%d ", j % 7
		print "\"]}" } }' >long.jsonl
	figures() { "$@" --metric bertscore -m "$m" --output-format json long.jsonl; }
	figures evaluate --device cpu >cpu
	for memory in 400000 600000 100000000; do
		HEDDLE_EMU_MEMORY=$memory figures "$cuda/evaluate" --device cuda | cmp cpu -
	done
	HEDDLE_EMU_MEMORY=330000 run -75 --separate-stderr figures "$cuda/evaluate" --device cuda
	[ "$stderr" = "evaluate: long.jsonl:5: a text of 48 tokens does not fit: cuda:0: no memory for 1 MiB more" ]
	[ "$output" = "" ]
}

@test "classify --fit writes the file that the processor does, and --load the same records" {
	awk 'BEGIN { s = 7; for (i = 0; i < 90; i++) { printf "{\"label\":\"c%d\",\"embedding\":[", i % 3
		for (j = 0; j < 6; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), (j == i % 3) + s / 2147483648 }
		print "]}" } }' >labelled.jsonl
	for how in --standardize --class-weight=balanced; do
		classify --device cpu --fit $how --save cpu.safetensors labelled.jsonl
		"$cuda/classify" -v --device cuda --fit $how --save card.safetensors labelled.jsonl 2>log
		grep -q "on cuda:0" log
		cmp cpu.safetensors card.safetensors
	done
	classify --device cpu --replace --output-key guess --load cpu.safetensors labelled.jsonl >cpu
	"$cuda/classify" --device cuda --replace --output-key guess --load cpu.safetensors labelled.jsonl | cmp cpu -
}

@test "cluster --method kmeans writes what the processor does, fitted and by --load" {
	awk 'BEGIN { s = 7; for (i = 0; i < 150; i++) { printf "{\"embedding\":["
		for (j = 0; j < 6; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), (j == i % 5) + s / 2147483648 }
		print "]}" } }' >vectors.jsonl
	for metric in euclidean cosine; do
		cluster --device cpu --method kmeans --n-clusters 5 --n-init 2 --metric $metric --save cpu.safetensors vectors.jsonl >cpu
		"$cuda/cluster" -v --device cuda --method kmeans --n-clusters 5 --n-init 2 --metric $metric --save card.safetensors vectors.jsonl \
			2>log | cmp cpu -
		grep -q "on cuda:0" log
		cmp cpu.safetensors card.safetensors
		"$cuda/cluster" --device cuda --load cpu.safetensors vectors.jsonl | cmp cpu -
	done
}

@test "topics --load gives records the topics that the processor does" {
	awk 'BEGIN { s = 7; for (i = 0; i < 60; i++) { printf "{\"text\":\"word%d\",\"cluster\":%d,\"embedding\":[", i % 5, i % 5
		for (j = 0; j < 6; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), (j == i % 5) + s / 2147483648 }
		print "]}" } }' >vectors.jsonl
	topics --device cpu --save t.safetensors -o /dev/null vectors.jsonl
	topics --device cpu --load t.safetensors vectors.jsonl >cpu
	"$cuda/topics" -v --device cuda --load t.safetensors vectors.jsonl 2>log | cmp cpu -
	grep -q "^topics: on cuda:0" log
	HEDDLE_EMU_MEMORY=1000 run -75 "$cuda/topics" --device cuda --load t.safetensors vectors.jsonl
	output_has memory
}

@test "reduce: the processor's bytes, by any search and start, or exit 75" {
	awk 'BEGIN { s = 7; for (i = 0; i < 1100; i++) { printf "{\"embedding\":["
		for (j = 0; j < 6; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.4f", (j ? "," : ""), (j == i % 5) / 2 + s / 2147483648 }
		print "]}" } }' >vectors.jsonl
	for how in "exact --init spectral" "approximate --init random"; do
		reduce --device cpu -n 2 --n-epochs 2 --neighbors $how vectors.jsonl >cpu
		"$cuda/reduce" --device cuda -n 2 --n-epochs 2 --neighbors $how vectors.jsonl | cmp cpu -
	done
	head -n 4 vectors.jsonl >few.jsonl # fewer rows than columns
	for in in vectors few; do
		reduce --device cpu --method pca -n 5 --save cpu.safetensors $in.jsonl >cpu
		"$cuda/reduce" --device cuda --method pca -n 5 --save card.safetensors $in.jsonl | cmp cpu -
		cmp cpu.safetensors card.safetensors
		"$cuda/reduce" --device cuda --load cpu.safetensors $in.jsonl | cmp cpu -
	done
	reduce --device cpu -n 2 --n-epochs 2 --init pca vectors.jsonl >cpu
	"$cuda/reduce" --device cuda -n 2 --n-epochs 2 --init pca vectors.jsonl | cmp cpu -
	HEDDLE_EMU_MEMORY=1000000 run -75 --separate-stderr "$cuda/reduce" --device cuda -n 20 --n-neighbors 30 --n-epochs 2 vectors.jsonl
	[[ $stderr == "reduce: cuda:0: no memory for "* ]] # for the start's vectors
	[ "$output" = "" ]
}

@test "with -v every command says once where it computes, and what the library refused" {
	export HEDDLE_EMU_CARD=sm_90 HEDDLE_EMU_REFUSE=1
	g=$HEDDLE_SRC/tests/golden
	awk '{ sub(/^{/, ""); x = NR; for (i = 1; i < 15; i++) x = x "," (NR * i) % 3
		print "{\"cluster\":" NR % 2 ",\"embedding\":[" x "],\"prediction\":\"a\",\"reference\":\"a b\"," $0 }' in.jsonl | head -n 12 >all.jsonl
	said() { # LINES COMMAND...: so many lines on the card, so many on a refused product
		"$cuda/$3" -v --device cuda "${@:4}" all.jsonl >out 2>log || { cat log; false; }
		[ "$(grep -c "^$3: on cuda:0 " log) $(grep -c "^$3: cuBLASLt refused" log)" = "$1 $2" ] || { cat log; false; }
	}
	said 2 1 embed -m "$g/embed/bert-odd" --dtype bf16 --replace # once opened, and once what multiplies is known
	said 2 1 classify -m "$g/classify/bert" --dtype bf16 --replace
	said 2 1 ner -m "$g/classify/ner-bert" --dtype bf16
	said 2 1 topics -m "$g/embed/bert-odd" --representation keybert --dtype bf16
	said 1 0 evaluate --metric bertscore -m "$g/embed/bert-odd"
	said 1 0 cluster --method kmeans --n-clusters 2 --input-key embedding --replace
	said 1 0 reduce -n 2 --n-epochs 2 --n-neighbors 3
	ner -v --device cpu -m "$g/classify/ner-bert" all.jsonl 2>log >out
	[ "$(grep -c "^ner: on cpu " log)" = 1 ]
}

@test "what was found ends a command with its report" {
	HEDDLE_EMU_CARD=sm_10 run -99 "$cuda/embed" --device cuda in.jsonl
	output_has "sm_10 is not one of sm_75, sm_90"
}
