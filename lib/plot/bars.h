/*
 * bars.h: what topics are about: a panel a topic, with its best words as horizontal bars, the
 * longest filling its panel. The topics are the report's, outliers left out, in the report's order
 * (largest first).
 */
#pragma once
#include "lib/plot/canvas.h"
#include "lib/plot/report.h"

struct bars_style {
	float width, height; /* height 0: as high as the bars need */
	size_t n_topics, n_words; /* at most */
	const char *aspect; /* NULL: the topics' own words */
	struct slice title;
	bool dark;
};

float bars_height(const struct report *, const struct bars_style *);

/* Returns how many panels it drew. style->height must be set. */
size_t bars_draw(const struct report *, const struct bars_style *, struct canvas *);
