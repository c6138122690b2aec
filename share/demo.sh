#!/bin/sh
# demo.sh BIN FOLDER [FILE]: embed | reduce | cluster | topics | plot with the built-in model. Without a FILE of records with a
# "text" key it takes the one-line descriptions of the Debian packages that apt knows.
set -eu
bin=$(cd "$1" && pwd) folder=$2 text=${3:-}
PATH=$bin:$PATH
mkdir -p "$folder"

# Package, section and first line of the description from "Key: value" paragraphs, as JSONL; the same description once.
paragraphs_to_jsonl() {
	awk '
	function quote(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/[\001-\037]/, " ", s); return "\"" s "\"" }
	function flush() {
		if (package != "" && text != "" && !(text in seen)) {
			seen[text] = 1
			printf "{\"package\": %s, \"section\": %s, \"text\": %s}\n", quote(package), quote(section), quote(text)
		}
		package = section = text = ""
	}
	/^Package: / { package = substr($0, 10) }
	/^Section: / { section = substr($0, 10) }
	/^Description(-en)?: / { text = substr($0, index($0, ": ") + 2) }
	/^$/ { flush() }
	END { flush() }'
}

if [ -z "$text" ]; then
	text=$folder/packages.jsonl
	apt-cache dumpavail 2>/dev/null | LC_ALL=C.UTF-8 paragraphs_to_jsonl >"$text" || true
	if [ ! -s "$text" ]; then
		dpkg-query -W -f 'Package: ${Package}\nSection: ${Section}\nDescription: ${binary:Summary}\n\n' |
			LC_ALL=C.UTF-8 paragraphs_to_jsonl >"$text"
	fi
	echo "Texts: the descriptions of $(wc -l <"$text") Debian packages, $text"
fi

# A topic wants about one text in 600, and at least 10 (of a small machine's few packages, 5).
n=$(wc -l <"$text")
size=$((n / 600)); [ $size -ge 10 ] || size=10; [ "$n" -ge 1000 ] || size=5

# A POSIX shell knows only how the last command of a pipe ended; an earlier one leaves a mark where it failed.
failed=$folder/failed
rm -f "$failed"
mark() { "$@" || : >"$failed"; }
mark embed --encoding base64 "$text" |
	mark reduce -n 5 --encoding base64 |
	mark cluster --min-cluster-size $size |
	topics --stop-words english --report "$folder/topics.json" --table "$folder/topics.txt" -o "$folder/assigned.jsonl"
[ ! -e "$failed" ] || exit 1
reduce -n 2 --output-key xy --drop embedding,reduced -o "$folder/map.jsonl" "$folder/assigned.jsonl"
plot --topics "$folder/topics.json" -o "$folder/map.html" "$folder/map.jsonl"
maps=$folder/map.html
if plot --topics "$folder/topics.json" -o "$folder/map.png" "$folder/map.jsonl"; then maps="$maps and $folder/map.png"; fi
cat "$folder/topics.txt"
echo "The map: $maps"
