# reduce: what it adds, methods and options, classes, saved reductions, the same bytes, few and bad records.
load common

# vectors N: records with 8-D vectors around four centres, of class id mod 4
vectors() {
	awk -v n="$1" 'function r() { s = (s * 1103515245 + 12345) % 2147483648; return s / 2147483648 - 0.5 }
		BEGIN { s = 7; for (i = 0; i < n; i++) { printf "{\"id\": %d, \"class\": \"c%d\", \"embedding\": [", i, i % 4
			for (j = 0; j < 8; j++) printf "%s%.4f", (j ? ", " : ""), (j % 4 == i % 4) + 0.2 * r()
			print "]}" } }'
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	vectors 120 >in.jsonl
}

# key NAME: the array under NAME, its numbers apart by spaces
key() { sed -E "s/.*\"$1\":\[([^]]*)\].*/\1/; s/,/ /g"; }

# apart: every record's nearest point is of its own class (id mod 4); reads lines of coordinates
apart() {
	awk '{ n++; for (j = 1; j <= NF; j++) x[n, j] = $j; d = NF }
		END { for (i = 1; i <= n; i++) { best = 0
			for (k = 1; k <= n; k++) if (k != i) { s = 0; for (j = 1; j <= d; j++) s += (x[i, j] - x[k, j]) ^ 2
				if (!best || s < least) { least = s; best = k } }
			good += (best - 1) % 4 == (i - 1) % 4 }
			if (good < 0.98 * n) { print good " of " n; exit 1 } }'
}

@test "reduced has five numbers, the record passes through, near records stay near" {
	reduce in.jsonl >out.jsonl
	sed -E 's/,"reduced":.*/}/' out.jsonl | cmp - in.jsonl
	key reduced <out.jsonl | awk 'NF != 5 { exit 1 }'
	key reduced <out.jsonl | apart
}

@test "every method, metric and start keeps the four places apart" {
	for o in '--method pca -n 3' '--metric euclidean' '--metric manhattan' '--metric correlation' '--init pca' '--init random' \
		'-n 2 --min-dist 0.1' '--n-neighbors 5 --spread 2' '--n-epochs 50 --learning-rate 0.5 --negative-sample-rate 3' \
		'--set-op-mix-ratio 0.5 --local-connectivity 2'; do
		reduce $o --drop embedding in.jsonl | key reduced | apart || { echo "$o"; false; }
	done
}

@test "the same bytes at any number of threads and on every path, from stdin, from base64 and from a matrix" {
	reduce --threads 1 in.jsonl >one
	reduce --threads 2 <in.jsonl >two
	cmp one two
	for path in portable avx2 avx512; do
		HEDDLE_CPU=$path run reduce -o "$path" in.jsonl
		[ "$status" = 69 ] || cmp one "$path"
	done
	reduce --seed 7 in.jsonl >seven
	! cmp -s one seven || false
	reduce --encoding base64 --input-key embedding --output-key v --method pca -n 8 in.jsonl --drop embedding >base64.jsonl
	reduce --method pca -n 8 --vectors v.npy in.jsonl >none.jsonl
	cmp none.jsonl in.jsonl
	reduce --input-key v base64.jsonl --metric euclidean | key reduced >a
	reduce --input-vectors v.npy in.jsonl --metric euclidean | key reduced >b
	cmp a b
}

@test "--neighbors: either search keeps the places apart, -v names it, auto is exact for few records" {
	for how in exact approximate; do
		reduce -v --neighbors $how in.jsonl 2>log >$how
		grep -q "neighbours: $how" log
		key reduced <$how | apart
	done
	reduce in.jsonl | cmp - exact
	run reduce --neighbors approximate --n-neighbors 201 in.jsonl
	status_is 2
	output_has "--neighbors approximate finds 200 at most, --n-neighbors is 201"
}

@test "--output-key beside an earlier reduction; a key that is there stops before the work" {
	reduce in.jsonl >first.jsonl
	reduce -n 2 --output-key xy first.jsonl >second.jsonl
	head -1 second.jsonl | grep -qE '"reduced":\[[^]]*\],"xy":\[[-0-9.e]+,[-0-9.e]+\]}$'
	run reduce first.jsonl
	status_is 65
	output_has "first.jsonl:1:"
	output_has "--output-key"
	reduce --replace -n 2 first.jsonl | key reduced | awk 'NF != 2 { exit 1 }'
}

@test "CSV in, CSV out" {
	{ echo 'id,embedding'; sed -E 's/.*"id": ([0-9]+).*(\[.*\]).*/\1,"\2"/' in.jsonl; } >in.csv
	reduce -n 2 in.csv >out.csv
	head -1 out.csv | grep -qx 'id,embedding,reduced'
	[ "$(sed -E '1d; s/.*"\[(.*)\]".*/\1/' out.csv)" = "$(reduce -n 2 in.jsonl | key reduced | tr ' ' ,)" ]
}

@test "--target-key pulls classes together; unknown classes are allowed" {
	awk 'function r() { s = (s * 1103515245 + 12345) % 2147483648; return s / 2147483648 - 0.5 }
		BEGIN { s = 3; for (i = 0; i < 200; i++) { printf "{\"class\": %s, \"embedding\": [", i % 9 == 8 ? "null" : i % 4
			for (j = 0; j < 6; j++) printf "%s%.4f", (j ? ", " : ""), r(); print "]}" } }' >noise.jsonl
	reduce --target-key class --target-weight 0.95 -v noise.jsonl 2>log | awk 'NR % 9' | key reduced >out
	grep -q '4 class labels' log
	reduce noise.jsonl | awk 'NR % 9' | key reduced >plain
	cmp -s out plain && return 1
	run reduce --target-key class --method pca noise.jsonl
	status_is 2
}

@test "--save and --load: fitted records keep their place, new ones come near, whatever the shard" {
	head -100 in.jsonl >old.jsonl
	tail -20 in.jsonl >new.jsonl
	reduce --save f.safetensors -o old.out old.jsonl
	reduce --load f.safetensors old.jsonl | cmp - old.out
	reduce --load f.safetensors new.jsonl >new.out
	cat old.out new.out | key reduced | apart
	{ reduce --load f.safetensors --shard 1/2 new.jsonl; reduce --load f.safetensors --shard 2/2 new.jsonl; } | cmp - new.out
	tac new.jsonl | reduce --load f.safetensors --threads 1 | tac | cmp - new.out
	reduce --save g.safetensors old.jsonl >/dev/null
	cmp f.safetensors g.safetensors
	reduce --method pca -n 3 --save p.safetensors in.jsonl >p.out
	reduce --load p.safetensors in.jsonl | cmp - p.out
}

@test "--load refuses what is no saved reduction, and vectors of another length" {
	reduce --save f.safetensors in.jsonl >/dev/null
	head -c 5000 f.safetensors >cut
	: >empty
	for f in cut in.jsonl empty; do
		run reduce --load $f in.jsonl
		status_is 78
	done
	run reduce --load absent in.jsonl
	status_is 66
	run reduce --load f.safetensors <<<'{"embedding": [1, 2]}'
	status_is 65
	output_has '-:1: key "embedding" has 2 numbers, the reduction has 8'
	run reduce --load f.safetensors --save g in.jsonl
	status_is 2
}

@test "none, one, two and equal records, more neighbours than records" {
	[ "$(reduce </dev/null --format jsonl)" = "" ]
	run reduce --format jsonl --save f </dev/null
	status_is 65
	[ "$(head -1 in.jsonl | reduce -n 2 | key reduced)" = "0 0" ]
	for n in 2 3 14 15 16; do
		run --separate-stderr reduce -q <(head -$n in.jsonl)
		status_is 0
		[ "${#lines[@]}" = $n ]
		[ "$stderr" = "" ]
	done
	run --separate-stderr reduce <(head -3 in.jsonl)
	[[ $stderr == *"fewer neighbours"* ]]
	for v in '[1, 2, 3]' '[0, 0, 0]' '[3e38, 3e38, -3e38]' '[1e-45, 0, 0]'; do
		for m in cosine euclidean manhattan correlation; do
			for i in 1 2 3 4 5 6 7 8 9; do echo "{\"embedding\": $v}"; done | reduce -q --metric $m >out
			[ "$(grep -c '"reduced":\[' out)" = 9 ]
		done
	done
}

@test "bad vectors are errors with file and line, or set aside" {
	bad() {
		{ head -3 in.jsonl; echo "$1"; head -2 in.jsonl; } >bad.jsonl
		run reduce bad.jsonl
		status_is 65
		output_has "bad.jsonl:4: "
		run --separate-stderr reduce -q --rejects rejects bad.jsonl
		status_is 1
		[ "${#lines[@]}" = 5 ]
		[ "$(cat rejects)" = "$1" ]
	}
	bad '{"embedding": [1, 2, 3]}'
	bad '{"embedding": []}'
	bad '{"embedding": [1, 2, 3, 4, 5, 6, 7, 1e99]}'
	bad '{"embedding": [1, 2, 3, 4, 5, 6, 7, null]}'
	bad '{"embedding": [1, 2, 3, 4, 5, 6, 7, NaN]}'
	bad '{"embedding": "!"}'
	bad '{"text": "no vector"}'
	reduce --method pca -n 8 --vectors v.npy in.jsonl >/dev/null
	run reduce --input-vectors v.npy in.jsonl in.jsonl
	status_is 65
	output_has 'in.jsonl:1: v.npy has only 120 rows'
	run reduce --input-vectors v.npy <(head -3 in.jsonl)
	status_is 65
	output_has 'v.npy has 120 rows for 3 records'
	reduce --method pca -n 2 --save p.safetensors -o out in.jsonl
	reduce --method pca -n 3 --vectors 3.npy -o out in.jsonl
	run reduce --load p.safetensors --input-vectors 3.npy in.jsonl
	status_is 65
	output_has '3.npy has rows of 3 numbers, the reduction has 8'
	run reduce --method pca -n 9 in.jsonl
	status_is 65
	run reduce --min-dist 2 in.jsonl
	status_is 2
}

# it was a matrix of 20,000 x 20,000 and hours of its decomposition
@test "principal components of a few records of many numbers" {
	awk 'BEGIN { s = 7; for (i = 0; i < 12; i++) { printf "{\"embedding\":["
		for (j = 0; j < 20000; j++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%s%.2f", (j ? "," : ""), (i % 3) * (j % 2) + s / 2147483648 }
		print "]}" } }' >wide.jsonl
	timeout 60 reduce --method pca -n 15 --drop embedding wide.jsonl >out
	jq -es 'length == 12 and all(.reduced | length == 15) and all(.[].reduced[11:][]; fabs < 0.001)
		and (map(.reduced[0]) | (.[0] - .[3] | fabs) < 5 and (.[0] - .[1] | fabs) > 50)' out
}

# the smallest once came out as NaN, and the message was that a component is too large
@test "principal components of numbers of a very wide range" {
	awk 'function r() { s = (s * 1103515245 + 12345) % 2147483648; return 9 * s / 2147483648 }
		BEGIN { s = 7; for (i = 0; i < 12; i++) { printf "{\"embedding\":[%.3fe36", r()
		for (j = 0; j < 5; j++) printf ",%.3fe-42", r()
		print "]}" } }' >range.jsonl
	reduce --method pca -n 6 --drop embedding range.jsonl >out
	jq -es 'length == 12 and all(.reduced | length == 6)' out
}

# it was a failed CHECK of the writer
@test "a component that float32 does not hold is an error" {
	run reduce --method pca -n 1 --format jsonl < <(printf '{"embedding": [%s, %s]}\n' 1 1 2 2 -3e38 -3e38 3e38 3e38 3e38 3e38)
	status_is 65
	output_has "a principal component is too large for float32"
}

@test "a full disk and a closed pipe" {
	run reduce -o /dev/full in.jsonl
	status_is 74
	run reduce --save /dev/full/x in.jsonl
	status_is 74
	reduce in.jsonl | head -1 >/dev/null
}

# records are parsed side by side: of two that are wrong the later one was told, when it was no JSON
@test "the first record that is wrong is told" {
	printf '{"embedding":[1,2]}\n{"embedding":[3]}\n{"embedding":\n' >"$BATS_TEST_TMPDIR/in.jsonl"
	run reduce --method pca -n 1 "$BATS_TEST_TMPDIR/in.jsonl"
	status_is 65
	output_has 'in.jsonl:2: key "embedding" has 1 number'
}
