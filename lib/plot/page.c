/* page.c: filling templates and writing a map's data for its page. */
#include "lib/plot/page.h"

#include "lib/base/sha256.h"
#include "lib/record/base64.h"
#include "lib/record/json.h"

static const struct page_part *find_part(const struct page_part *parts, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(slice_from(parts[i].name), name))
			return &parts[i];
	return NULL;
}

int page_fill(struct buffer *out, struct slice template, const struct page_part *parts, size_t n,
	struct error *e)
{
	const char *at = template.data, *end = at + template.size;
	for (;;) {
		const char *open = memmem(at, (size_t)(end - at), "{{", 2);
		const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
		if (!close)
			break;
		struct slice name = { open + 2, (size_t)(close - open) - 2 };
		const struct page_part *part = find_part(parts, n, name);
		if (!part)
			return error_set(e, ERROR_MODEL,
				"the page template has an unknown {{%.*s}}",
				(int)(name.size < 40 ? name.size : 40), name.data);
		buffer_add(out, at, (size_t)(open - at));
		if (part->markup)
			buffer_slice(out, part->text);
		else
			xml_escape(out, part->text);
		at = close + 2;
	}
	buffer_add(out, at, (size_t)(end - at));
	return 0;
}

void page_digest(struct buffer *b, struct slice text)
{
	uint8_t digest[SHA256_SIZE];
	sha256(text, digest);
	buffer_text(b, "sha256-");
	base64_encode(b, digest, sizeof digest);
}

int page_make(struct buffer *out, struct slice template, struct slice style, struct slice script,
	bool dark, const struct page_part *given, size_t n, struct error *e)
{
	CHECK(!memmem(style.data, style.size, "</", 2) &&
		!memmem(script.data, script.size, "</", 2));
	struct buffer style_digest = { 0 }, script_digest = { 0 };
	page_digest(&style_digest, style);
	page_digest(&script_digest, script);
	const struct page_part own[] = {
		{ "style", style, true },
		{ "script", script, true },
		{ "style-digest", buffer_view(&style_digest), true },
		{ "script-digest", buffer_view(&script_digest), true },
		{ "theme", dark ? SLICE("dark") : SLICE("auto"), true },
	};
	size_t n_own = sizeof own / sizeof *own;
	struct page_part *parts = MEM_ARRAY(struct page_part, n + n_own);
	memcpy(parts, own, sizeof own);
	memcpy(parts + n_own, given, n * sizeof *given);
	int status = page_fill(out, template, parts, n + n_own, e);
	mem_free(parts);
	buffer_free(&style_digest);
	buffer_free(&script_digest);
	return status;
}

void page_string(struct buffer *b, struct slice text)
{
	size_t from = b->size;
	json_write_string(b, text);
	size_t angles = 0;
	for (size_t i = from; i < b->size; i++)
		angles += b->data[i] == '<';
	if (angles == 0)
		return;
	/* from the end, in place: each < becomes the six characters \u003c */
	buffer_reserve(b, 5 * angles);
	size_t to = b->size + 5 * angles;
	for (size_t i = b->size; i-- > from;) {
		if (b->data[i] == '<') {
			to -= 6;
			memcpy(b->data + to, "\\u003c", 6);
		} else {
			b->data[--to] = b->data[i];
		}
	}
	b->size += 5 * angles;
}

/* [n] little-endian float32, whatever the machine. */
static void add_floats(struct buffer *b, const float *values, size_t n)
{
	uint8_t chunk[3072]; /* a multiple of 3: no padding inside */
	for (size_t i = 0; i < n;) {
		size_t size = 0;
		for (; i < n && size < sizeof chunk; i++, size += 4) {
			uint32_t bits;
			memcpy(&bits, &values[i], 4);
			for (size_t k = 0; k < 4; k++)
				chunk[size + k] = (uint8_t)(bits >> (8 * k));
		}
		base64_encode(b, chunk, size);
	}
}

static void add_colours(struct buffer *b, const char *name, const struct colour *colours, size_t n)
{
	buffer_printf(b, "\"%s\":\"", name);
	for (size_t i = 0; i < n; i++)
		buffer_printf(b, "%02x%02x%02x", colours[i].r, colours[i].g, colours[i].b);
	buffer_char(b, '"');
}

static void add_theme(struct buffer *b, const char *name, const struct theme *t)
{
	buffer_printf(b, "\"%s\":{", name);
	add_colours(b, "ground", &t->ground, 1);
	buffer_char(b, ',');
	add_colours(b, "outlier", &t->outlier, 1);
	buffer_char(b, ',');
	add_colours(b, "topic", t->topic, COLOURS);
	buffer_char(b, ',');
	add_colours(b, "label", t->label, COLOURS);
	buffer_char(b, '}');
}

static void add_topic(struct buffer *b, const struct map_topic *t)
{
	struct buffer name = { 0 };
	if (t->named) {
		buffer_slice(&name, t->key);
		buffer_text(&name, " · ");
	}
	buffer_slice(&name, t->label);
	buffer_text(b, "{\"name\":");
	page_string(b, buffer_view(&name));
	buffer_text(b, ",\"label\":");
	page_string(b, t->label);
	buffer_free(&name);
	buffer_printf(b, ",\"count\":%zu,\"colour\":%u,\"outlier\":%s,\"x\":", t->count,
		(unsigned)t->colour, t->outlier ? "true" : "false");
	json_write_float(b, t->x);
	buffer_text(b, ",\"y\":");
	json_write_float(b, t->y);
	buffer_char(b, '}');
}

void page_map(struct buffer *b, const struct map *m, const struct map_style *style)
{
	buffer_printf(b, "{\"n\":%zu,\"topicsGiven\":%s,\"labels\":%zu,\"radius\":", m->n,
		m->topics_given ? "true" : "false", style->label_count);
	json_write_float(b, style->point_radius);
	buffer_text(b, ",\"opacity\":");
	json_write_float(b, style->opacity > 0 ? style->opacity : map_point_opacity(m->n));
	buffer_text(b, ",\"extent\":[");
	json_write_float(b, m->extent_x);
	buffer_char(b, ',');
	json_write_float(b, m->extent_y);
	buffer_text(b, "],\n\"themes\":{");
	add_theme(b, "light", theme_get(false));
	buffer_char(b, ',');
	add_theme(b, "dark", theme_get(true));
	buffer_text(b, "},\n\"topics\":[");
	for (size_t i = 0; i < m->n_topics; i++) {
		buffer_text(b, i ? ",\n" : "\n");
		add_topic(b, &m->topics[i]);
	}
	buffer_text(b, "],\n\"x\":\"");
	add_floats(b, m->at_x, m->n);
	buffer_text(b, "\",\n\"y\":\"");
	add_floats(b, m->at_y, m->n);
	buffer_text(b, "\",\n\"record\":[");
	for (size_t i = 0; i < m->n; i++)
		buffer_printf(b, i ? ",%u" : "%u", m->order[i] + 1);
	buffer_text(b, "],\n\"texts\":[");
	for (size_t i = 0; i < m->n; i++) {
		buffer_text(b, i ? ",\n" : "\n");
		page_string(b, m->text[m->order[i]]);
	}
	buffer_text(b, "]}\n");
}
