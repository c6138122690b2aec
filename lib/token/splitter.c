#include "lib/token/splitter.h"

static void flush(struct splitter *s)
{
	if (s->pending)
		piece_add(s->to, s->start, s->end, (uint32_t)PIECE_WORD);
	s->pending = false;
}

/* Whether the stretch to come joins the piece before it. */
static bool joins(const struct splitter *s, bool match)
{
	switch (s->behavior) {
	case SPLIT_MERGED_WITH_PREVIOUS:
		return match && !s->match;
	case SPLIT_MERGED_WITH_NEXT:
		return !match && s->match;
	case SPLIT_CONTIGUOUS:
		return match == s->match;
	case SPLIT_REMOVED:
	case SPLIT_ISOLATED:
		break;
	}
	return false;
}

void splitter_put(struct splitter *s, size_t start, size_t end, bool match)
{
	if (s->behavior == SPLIT_REMOVED && match)
		return;
	if (s->pending && joins(s, match)) {
		s->end = end;
	} else {
		flush(s);
		s->start = start;
		s->end = end;
		s->pending = true;
	}
	s->match = match;
}

void splitter_end(struct splitter *s)
{
	flush(s);
	s->match = false;
}
