/*
 * evaluate_source.h: where evaluate's records come from.
 */
#pragma once
#include "cmd/command.h"
#include "lib/record/conll.h"

/* Where records come from: the input, or the file of --paired; as they are, or of CoNLL columns a
 * record a sentence. */
struct source {
	struct reader *reader;
	const char *prediction_key, *reference_key; /* of CoNLL's last two columns */
	bool paired;
	size_t n; /* records so far */
	size_t line_want, prediction, reference, n_wants; /* of CoNLL */
	struct conll sentence;
	struct arena *lines;
	const char *file;
	bool ended;
};

/* Once all keys are asked for; reader and keys are set. */
void source_open(struct source *);
void source_close(struct source *);

/* The next record: false at the end. A bad one ends the command, or is set aside where it is of the
 * input and --on-error says so. */
bool source_next(struct source *, struct arena *, struct record *);
