# texts.awk: n short texts on eight subjects, the same on every run, as JSONL with text and label.
#   awk -v n=500 -f texts.awk
function pick(list,   words, m) { m = split(list, words, " "); return words[1 + random(m)] }
function random(m) { state = (state * 1103515245 + 12345) % 2147483648; return int(state / 65536) % m }
BEGIN {
	state = 42
	subject[0] = "bread dough oven flour yeast crust baker loaf sourdough butter"
	subject[1] = "goal striker league match referee penalty stadium keeper defender coach"
	subject[2] = "planet telescope orbit comet galaxy astronomer star eclipse nebula moon"
	subject[3] = "guitar chord melody orchestra violin concert singer rhythm piano composer"
	subject[4] = "court judge lawyer verdict trial witness appeal statute contract jury"
	subject[5] = "compiler kernel thread memory pointer debugger linker register cache assembler"
	subject[6] = "garden tulip soil seed compost rose pruning watering greenhouse orchard"
	subject[7] = "surgeon patient hospital vaccine nurse clinic diagnosis therapy infection dose"
	for (i = 0; i < n; i++) {
		s = random(8)
		text = "The " pick(subject[s]) " and the " pick(subject[s]) " " pick("changed helped needed followed reached") " the " \
			pick(subject[s]) " with a " pick(subject[s]) " near the " pick(subject[s])
		printf "{\"id\": %d, \"text\": \"%s.\", \"label\": %d}\n", i, text, s
	}
}
