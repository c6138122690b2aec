/*
 * command_window.h: records read together, so that their texts can be computed on all threads.
 * Windows begin small, that the first records come out at once, and stay bounded in records and
 * bytes. A record that lacks what is wanted of it is set aside (command_reject).
 *
 *	struct window w = { .text_key = run.text_key };
 *	window_open(&w);
 *	while (window_read(&w)) …
 *	window_close(&w);
 */
#pragma once
#include "cmd/command.h"
#include "lib/learn/vector_source.h"

enum { WINDOW_RECORDS = 2048 }; /* at most */

struct window {
	/* What is wanted of each record, by key; NULL: nothing. */
	const char *text_key, *pair_key, *label_key, *vector_key;
	const char *template; /* the text takes the place of each [DOCUMENT]; NULL: none */
	size_t size; /* of a vector; 0: as the first one is */
	/* What else the command wants of a record that will be number i, or NULL. */
	int (*take)(struct window *, const struct record *, size_t i, struct error *);

	struct arena *arena; /* of the records of the window */
	size_t n;
	struct record *records; /* [n], as all below */
	struct slice *texts, *pairs;
	struct slice *labels; /* as JSON */
	float *vectors; /* [n, size] */

	size_t asked; /* records of the next window */
	size_t text, pair, label;
	struct vector_source source;
};

/* Before the first record is read. vector_key: or the rows of --input-vectors. */
void window_open(struct window *);

/* False where the input ended before the first record. */
bool window_read(struct window *);

/* Ends the command with a failure to compute, which names record i of the window where it is that one's;
 * i beyond the last: it is none's. */
_Noreturn void window_fail(const struct window *, size_t i, struct error *);
void window_close(struct window *);
