# common.bash: what the bats files share. load common
bats_require_minimum_version 1.5.0
: "${HEDDLE_SRC:=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}" "${HEDDLE_BIN:=$HEDDLE_SRC/bin}"
: "${HEDDLE_BUILD:=$HEDDLE_SRC/build}"
PATH=$HEDDLE_BIN:$PATH
data=$HEDDLE_SRC/../shared/data

# every command but heddle (cmd/NAME_*.c are parts of NAME); those that read records
commands() { for f in "$HEDDLE_SRC"/cmd/*.c; do f=${f##*/}; case $f in *_* | command.c | heddle.c) ;; *) echo "${f%.c}" ;; esac; done; }
filters() { commands | grep -vxE 'model'; }

# texts N: N records on eight subjects
texts() { awk -v n="$1" -f "$HEDDLE_SRC/tests/data/texts.awk"; }

# status_is N, output_has TEXT: say what was seen when it is not so
status_is() { [ "$status" = "$1" ] || { echo "exit $status instead of $1: $output"; return 1; }; }
output_has() { case $output in *"$1"*) ;; *) echo "no '$1' in: $output"; return 1 ;; esac; }
