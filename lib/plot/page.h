/*
 * page.h: a self-contained HTML page: a template of ours from share/ whose {{names}} are filled in,
 * and the data of a map for the page's script. The page fetches nothing: its content security
 * policy allows only the style and the script it carries, by their digests. Text of records goes
 * into JSON in a <script type="application/json">, where "<" is written \u003c, so that no text can
 * end the element or begin a comment; the script shows it as text nodes only.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/plot/map.h"

struct page_part {
	const char *name;
	struct slice text;
	bool markup; /* false: the text is escaped */
};

/* Append the template with its {{name}}s replaced; 78 where it has one that is not among the
 * parts. */
int page_fill(
	struct buffer *, struct slice template, const struct page_part *, size_t n, struct error *);

/* A page: the template filled with the parts and with {{style}}, {{script}}, their digests
 * {{style-digest}} and {{script-digest}}, and {{theme}}, which is "dark", or "auto" for what the
 * reader's system says. Style and script must not hold "</" (CHECK). */
int page_make(struct buffer *, struct slice template, struct slice style, struct slice script,
	bool dark, const struct page_part *, size_t n, struct error *);

/* "sha256-…" of an inline style or script, for Content-Security-Policy. */
void page_digest(struct buffer *, struct slice);

/* A JSON string that is safe inside <script>. */
void page_string(struct buffer *, struct slice);

/* The JSON object that share/plot/map.js reads: topics with label, count and colour, points as
 * base64 of little-endian float32 in drawing order, texts and the colours of both themes. */
void page_map(struct buffer *, const struct map *, const struct map_style *);
