/*
 * lettering.h: text in pictures: made harmless, cut, measured and wrapped. Widths are estimated,
 * not asked of a font, so that the layout of a plot is the same whatever fonts a machine has; the
 * estimate is that of a wide typeface (DejaVu Sans), so that others only leave more room.
 */
#pragma once
#include <stdint.h>

#include "lib/base/memory.h"

enum { LETTERING_LINES = 4 };

/* One line of printable text: white space and controls become single spaces, the ends are trimmed,
 * bidirectional overrides and isolates go, noncharacters and bytes that are no UTF-8 become
 * U+FFFD. */
struct slice lettering_clean(struct arena *, struct slice);

/* The first n user-perceived characters (grapheme clusters) at most; *cut says whether something
 * was left out. A cluster counts once for each 32 code points, so that hostile text cannot make one
 * endless. */
struct slice lettering_cut(struct slice, size_t n, bool *cut);

/* Width in ems. */
float lettering_width(struct slice, bool bold);

/* Break at spaces into at most LETTERING_LINES lines of about `width` ems and as equal as can be;
 * returns how many. Words wider than that stand alone. What does not fit in the lines ends with an
 * ellipsis. Lines are in the arena or in place. */
size_t lettering_wrap(struct arena *, struct slice text, float width, bool bold,
	struct slice lines[LETTERING_LINES]);
