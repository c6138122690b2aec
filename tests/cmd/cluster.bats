# cluster: what it adds, options that go together or not, trees and reports, saved clusterings, streams and bad input.
load common

# points N: records with 2-D vectors in three dense places, and one far away for every 20
points() {
	awk -v n="$1" 'function r() { s = (s * 1103515245 + 12345) % 2147483648; return s / 2147483648 - 0.5 }
		BEGIN { s = 7; for (i = 0; i < n; i++) { k = i % 3; o = i % 20 == 19 ? 30 : 0.5
			printf "{\"id\": %d, \"reduced\": [%.4f, %.4f]}\n", i, 10 * k + o * (r() + r()), 5 * k * k + o * (r() + r()) } }'
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	points 300 >in.jsonl
}

column() { sed -E "s/.*\"$1\":(-?[0-9.e-]+).*/\1/"; }

@test "three dense places are three clusters, what lies between is none, and records pass through" {
	cluster in.jsonl >out.jsonl
	[ "$(column cluster <out.jsonl | sort -n | uniq | tr '\n' ' ')" = "-1 0 1 2 " ]
	[ "$(awk 'NR % 20' out.jsonl | column cluster | grep -c -- -1)" -le 15 ]
	sed -E 's/,"cluster":.*/}/' out.jsonl | cmp - in.jsonl
	head -1 out.jsonl | grep -qE '"cluster":[0-9],"probability":[0-9.]+,"outlier_score":[0-9.e-]+}$'
}

@test "the same bytes at any number of threads, from stdin, and as CSV the same numbers" {
	cluster --threads 1 in.jsonl >one
	cluster --threads 4 <in.jsonl >four
	cmp one four
	cluster --output-format csv in.jsonl >out.csv
	head -1 out.csv | grep -qx 'id,reduced,cluster,probability,outlier_score'
	[ "$(tail -n +2 out.csv | awk -F, '{ print $(NF - 2) }')" = "$(column cluster <one)" ]
}

@test "--input-key, --output-key, and the embedding where nothing is reduced" {
	sed 's/reduced/embedding/' in.jsonl | cluster --output-key group >a
	sed 's/reduced/place/' in.jsonl | cluster --input-key place --output-key group >b
	[ "$(column group <a)" = "$(cluster in.jsonl | column cluster)" ]
	[ "$(column group <b)" = "$(column group <a)" ]
	head -1 a | grep -q '"group":.*"group_probability":.*"group_outlier_score":'
	run cluster --input-key nothing in.jsonl
	status_is 65
	output_has 'in.jsonl:1: '
}

@test "--input-vectors reads row i for record i, and says where it has too few" {
	sed 's/reduced/embedding/' in.jsonl >e.jsonl
	reduce --method pca -n 2 e.jsonl | cluster --min-samples 5 >with.jsonl
	reduce --method pca -n 2 --vectors v.npy e.jsonl >without.jsonl
	cluster --min-samples 5 --input-vectors v.npy without.jsonl >beside.jsonl
	[ "$(column outlier_score <beside.jsonl)" = "$(column outlier_score <with.jsonl)" ]
	run cluster --input-vectors v.npy in.jsonl e.jsonl
	status_is 65
	output_has 'e.jsonl:1: v.npy has only 300 rows'
	run cluster --input-vectors v.npy --format jsonl <<<'{"id": 1}'
	status_is 65
	output_has 'v.npy has 300 rows for 1 record'
	run cluster --input-vectors v.npy --shard 2/2 in.jsonl
	status_is 2
}

@test "k-means and agglomerative clustering put every record into one of n clusters" {
	for o in "kmeans" "kmeans --n-init 3" "kmeans --metric cosine" "agglomerative" "agglomerative --linkage average" \
		"agglomerative --linkage complete --metric manhattan" "agglomerative --linkage average --metric cosine"; do
		cluster --method $o --n-clusters 3 in.jsonl >out
		[ "$(column cluster <out | sort -n | uniq | tr '\n' ' ')" = "0 1 2 " ] || { echo "$o"; false; }
		! grep -q probability out || false
	done
	cluster --method agglomerative --linkage single --distance-threshold 3 in.jsonl | column cluster | head -3 | tr '\n' ' ' |
		grep -qx '0 1 2 '
	cluster --method kmeans --n-clusters 3 --seed 1 in.jsonl >a
	cluster --method kmeans --n-clusters 3 --seed 1 --threads 3 in.jsonl | cmp - a
}

@test "--min-cluster-size, leaf, epsilon and --allow-single-cluster change what is found" {
	n() { cluster "$@" in.jsonl | column cluster | sort -u | grep -cv -- -1; }
	[ "$(n --min-cluster-size 200)" = 0 ]
	[ "$(n --cluster-selection-method leaf --min-cluster-size 5)" -gt 3 ]
	[ "$(n --cluster-selection-method leaf --min-cluster-size 5 --cluster-selection-epsilon 3)" = 3 ]
	[ "$(n --min-cluster-size 120 --allow-single-cluster)" = 1 ]
	[ "$(cluster --max-cluster-size 60 in.jsonl | column cluster | grep -v -- -1 | sort | uniq -c | sort -rn | awk '{ print ($1 <= 60); exit }')" = 1 ]
	[ "$(n --metric manhattan)" = 3 ]
}

@test "--tree writes a row for each record and cluster, --report the clusters" {
	cluster --tree tree.csv --report report.csv in.jsonl >out.jsonl
	[ "$(head -1 tree.csv)" = parent,child,lambda,size ]
	[ "$(awk -F, 'NR > 1 && $2 < 300' tree.csv | wc -l)" = 300 ]
	[ "$(awk -F, 'NR > 1 && $2 < 300 { print $2 }' tree.csv | sort -u | wc -l)" = 300 ]
	[ "$(awk -F, 'NR > 1 { print $1 }' tree.csv | sort -n | head -1)" = 300 ]
	[ "$(head -1 report.csv)" = cluster,count,persistence ]
	[ "$(awk -F, 'NR > 1 { s += $2 } END { print s }' report.csv)" = "$(column cluster <out.jsonl | grep -cv -- -1)" ]
	cluster --tree tree.jsonl --report report.json in.jsonl >/dev/null
	[ "$(wc -l <tree.jsonl)" = "$(($(wc -l <tree.csv) - 1))" ]
	head -1 tree.jsonl | grep -qE '^\{"parent":300,"child":[0-9]+,"lambda":[0-9.e-]+,"size":[0-9]+\}$'
	grep -q '^{"method":"hdbscan","records":300,"outliers":' report.json
	cluster --method agglomerative --linkage average --n-clusters 2 --tree joins.csv in.jsonl >/dev/null
	[ "$(head -1 joins.csv)" = left,right,distance,size ]
	[ "$(tail -1 joins.csv | cut -d, -f4)" = 300 ]
}

@test "--load gives the records that were clustered their labels, in any shard" {
	cluster --save saved.st in.jsonl >fit.jsonl
	cluster --load saved.st in.jsonl >again.jsonl
	# a point's core distance counts itself when it is predicted, so a few outliers are taken in (as in hdbscan)
	[ "$(paste -d ' ' <(column cluster <fit.jsonl) <(column cluster <again.jsonl) | awk '$1 >= 0 && $1 != $2' | wc -l)" = 0 ]
	for i in 1 2 3; do cluster --load saved.st --shard $i/3 in.jsonl; done | cmp - again.jsonl
	cluster --load saved.st --threads 3 in.jsonl | cmp - again.jsonl
	cluster --save saved2.st --threads 1 in.jsonl >/dev/null
	cmp saved.st saved2.st
	cluster --method kmeans --n-clusters 3 --save centres.st in.jsonl >fit.jsonl
	cluster --load centres.st in.jsonl | cmp - fit.jsonl
}

@test "a file that is no clustering, or is cut short, is exit 78; one that is not there 66" {
	cluster --save saved.st in.jsonl >/dev/null
	head -c 1000 saved.st >cut.st
	echo hello >text.st
	for f in cut.st text.st; do
		run cluster --load $f in.jsonl
		status_is 78
		output_has "$f"
	done
	run cluster --load none.st in.jsonl
	status_is 66
	echo '{"reduced": [1, 2, 3]}' >three.jsonl
	run cluster --load saved.st three.jsonl
	status_is 65
	output_has 'three.jsonl:1: key "reduced" has 3 numbers, the clustering has 2'
}

@test "options that do not go together are usage errors" {
	for o in "--n-clusters 3" "--linkage ward" "--method kmeans" "--method agglomerative" "--n-init 2" "--min-cluster-size 1" \
		"--method kmeans --n-clusters 2 --min-cluster-size 5" "--method kmeans --n-clusters 2 --metric manhattan" \
		"--method agglomerative --n-clusters 2 --distance-threshold 1" "--method agglomerative --n-clusters 2 --metric cosine" \
		"--method agglomerative --n-clusters 2 --save x" "--method kmeans --n-clusters 2 --tree x" "--load x --min-cluster-size 5" \
		"--load x --report y" "--cluster-selection-epsilon 2 --cluster-selection-epsilon-max 1" "--alpha 0"; do
		run cluster $o in.jsonl
		status_is 2 || { echo "for $o"; false; }
		output_has "Try 'cluster --help'."
	done
	[ ! -e x ]
	[ ! -e y ]
}

@test "no record, one, two, and all equal" {
	run cluster </dev/null --format jsonl
	status_is 0
	[ -z "$output" ]
	for n in 1 2; do
		head -$n in.jsonl | cluster >out
		[ "$(grep -c '"cluster":-1,"probability":0,"outlier_score":0}' out)" = $n ]
	done
	yes '{"reduced": [1, 1]}' | head -50 | cluster --tree t.jsonl >out
	[ "$(wc -l <out)" = 50 ]
	grep -q '"lambda":null' t.jsonl
	run cluster --method kmeans --n-clusters 3 --format jsonl </dev/null
	status_is 65
	run cluster --method kmeans --n-clusters 301 in.jsonl
	status_is 65
	output_has '--n-clusters 301, but there were only 300 records'
	run cluster --save x --format jsonl </dev/null
	status_is 65
	[ "$(head -1 in.jsonl | cluster --method agglomerative --n-clusters 1 | column cluster)" = 0 ]
	[ "$(head -1 in.jsonl | cluster --method kmeans --n-clusters 1 | column cluster)" = 0 ]
	run cluster --method agglomerative --distance-threshold 1 --format jsonl </dev/null
	status_is 0
}

@test "vectors that are missing, of another length or no numbers stop at their line, or are set aside" {
	{ cat in.jsonl; echo '{"reduced": [1]}'; echo '{"reduced": [1, "x"]}'; echo '{"id": 1}'; echo '{"reduced": [1, 1e999]}'; } >bad.jsonl
	run cluster bad.jsonl
	status_is 65
	output_has 'bad.jsonl:301: key "reduced" has 1 number, those before have 2'
	run -1 --separate-stderr cluster --rejects rejects bad.jsonl
	[ "$output" = "$(cluster in.jsonl)" ]
	[ "$(wc -l <rejects)" = 4 ]
	# the first record that has a key for vectors decides which it is
	run -1 --separate-stderr cluster --rejects rejects <<<$'{"id": 1}\n{"embedding": [1, 2]}\n{"reduced": [1, 2]}'
	[ "${#lines[@]}" = 1 ]
	[ "$(cat rejects)" = $'{"id": 1}\n{"reduced": [1, 2]}' ]
	[[ $stderr == *'-:1: no key "reduced" or "embedding"'* ]]
	{ head -30 in.jsonl; echo '{"reduced": [0, 0]}'; } >zero.jsonl
	run cluster --metric cosine zero.jsonl
	status_is 65
	output_has 'zero.jsonl:31: the vector is all zeros, which has no cosine'
}

@test "distances that do not fit into memory are refused before they are taken" {
	yes '{"reduced": [1]}' | head -200000 >many.jsonl
	bytes=$((199999 * 100000 * 8))
	[ "$bytes" -gt "$(($(getconf _PHYS_PAGES) * $(getconf PAGE_SIZE)))" ] || skip "this machine could hold 160 GB"
	run cluster --method agglomerative --linkage average --n-clusters 2 many.jsonl
	status_is 75
	output_has "--linkage ward and single"
}
