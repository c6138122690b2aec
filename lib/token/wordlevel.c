#include "lib/token/wordlevel.h"

#include "lib/token/read.h"

int wordlevel_read(struct wordlevel *w, struct json model, const struct vocab *v,
	struct arena *arena, struct error *e)
{
	struct slice unknown;
	if (read_text(model, "unk_token", arena, &unknown, e))
		return -1;
	*w = (struct wordlevel){ .vocab = v, .size = (uint32_t)v->size };
	w->unknown = vocab_id(v, unknown);
	return 0;
}

uint32_t wordlevel_id(const struct wordlevel *w, struct slice word)
{
	uint32_t id = vocab_id(w->vocab, word);
	return id < w->size ? id : w->unknown;
}
